package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"bulkonboard/batch"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// summaryFile is what the summary file of this job is to say.
func (j *job) summaryFile() batch.SummaryFile {
	return batch.SummaryFile{
		Path: sink.SummaryPath(j.settings.outputs.results), Replace: j.settings.outputs.replaceSummary, Tool: cli.Version(),
		Settings: j.settings.shown, Command: j.settings.commandNow(), Learned: j.recalled, EarlierRun: j.earlierRun(),
		Input: func() sink.File {
			counted := j.monitor.Progress().OfRows
			if j.settings.retry != nil { // what was read has the corrections
				was := j.settings.retry.from.summary.Output
				return sink.File{Name: j.settings.list.Name(), Size: was.Size, SHA256: was.SHA256, Rows: counted}
			}
			j.added = j.list.Added()
			return sink.File{Name: j.settings.list.Name(), Size: j.list.Size, SHA256: j.read.String(), Rows: counted, Added: j.added}
		},
		Read:     j.readAsProven,
		ExitCode: cli.ExitCodeOf,
		Retry:    j.settings.groupCommand,
	}
}

// earlierRun is the complete run whose results this one replaces or takes up, if
// its summary can be read. It serves a comparison and nothing else.
func (j *job) earlierRun() *sink.EarlierRun {
	if j.settings.retry != nil {
		return j.settings.retry.from.summary.AsEarlierRun()
	}
	s, err := completeSummaryOf(j.settings.outputs.results)
	if err != nil {
		return nil
	}
	return s.AsEarlierRun()
}

// readAsProven compares the results that a retry has read with those that were
// compared with their summary at its start: somebody may have changed the file
// meanwhile.
func (j *job) readAsProven() error {
	if j.settings.retry == nil {
		return nil
	}
	sum := j.settings.retry.from.summary
	want := *sum.Output
	if j.corrected != nil {
		want = *j.corrected
	}
	v := &verification{summary: sum, results: j.settings.list.Input}
	v.same(j.settings.list.Input, j.list.Size+j.list.Added(), j.read.String(), &want)
	return v.err()
}

// groupCommand is what the summary says of the rows with an error code.
func (s *settings) groupCommand(status sink.Status, code string) string {
	return groupCommand(lastingCommand, s.outputs.results, status, code, s.again([]string{code}))
}

// again is what a retry of this run with these error codes must add.
func (s *settings) again(codes []string) string {
	sum := sink.Summary{Command: s.commandNow()}
	if s.replacesItsInput() {
		sum.Output = &sink.File{Name: s.outputs.results}
		sum.Input = *sum.Output
	}
	return again(&sum, codes)
}

// commandNow is what was started.
func (s *settings) commandNow() sink.Command {
	now := sink.Command{Name: "run", Folder: folder(), Set: s.set}
	if s.retry != nil {
		now.Name, now.Only, now.ErrorCodes, now.Fixes = "retry", s.retry.rows.Only, s.retry.rows.ErrorCodes, s.retry.fixesSum
		now.FirstRun = s.retry.from.sheet().Run
	}
	return now
}

// fileSum hashes what is read of a file.
type fileSum struct{ hash.Hash }

func newFileSum() fileSum { return fileSum{sha256.New()} }

// String is the hash in hexadecimal digits.
func (s fileSum) String() string { return hex.EncodeToString(s.Sum(nil)) }

// checkSummary refuses to overwrite a file that has the summary's name and is
// none.
func (o *outputs) checkSummary() error {
	path := sink.SummaryPath(o.results)
	b, err := readSummaryFile(path)
	o.replaceSummary = err == nil || o.overwrite
	switch {
	case errors.Is(err, os.ErrNotExist) || o.overwrite:
		return nil
	case err != nil:
		return cli.Problems{"the summary would be written over " + path + ", which cannot be looked at: " + err.Error()}
	}
	if _, err := sink.DecodeSummary(b); errors.Is(err, sink.ErrNoSummary) {
		return cli.Problems{fmt.Sprintf("%s exists and is not a summary of a run; name another --output, or replace it with --overwrite", path)}
	}
	return nil
}

// readSummaryFile reads no more than a summary can have.
func readSummaryFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, sink.MaxSummary+1))
}

// stoppedSummaryOf reads the summary that a run which is not complete has left
// in its state folder; nil when there is none.
func stoppedSummaryOf(results string) (*sink.Summary, error) {
	left, err := state.Inspect(disk.OS{}, cli.StateDirOf(results))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // most runs are complete
	}
	if err != nil {
		return nil, err
	}
	if left.Checkpoint == nil || left.Checkpoint.Complete {
		return nil, nil //nolint:nilnil // nothing is unfinished but files that are to be put in place
	}
	path := filepath.Join(cli.StateDirOf(results), state.Summary)
	b, err := readSummaryFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // no start of it has ended
	}
	if err != nil {
		return nil, &state.IOError{Op: "read", Path: path, Err: err}
	}
	s, err := sink.DecodeSummary(b)
	if err != nil {
		return nil, &unfinishedError{fmt.Sprintf("%s: %v; the next start of the run writes it again", path, err)}
	}
	if s.Complete {
		return nil, nil //nolint:nilnil // it was to be put in place when the run was killed
	}
	return s, nil
}
