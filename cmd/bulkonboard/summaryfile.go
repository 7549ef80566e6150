package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// summaryFile is what the summary file of this job is to say.
func (j *job) summaryFile() batch.SummaryFile {
	return batch.SummaryFile{
		Path: sink.SummaryPath(j.output), Tool: cli.Version(), Settings: j.shown, Learned: j.recalled,
		Input: func() sink.File {
			return sink.File{Name: j.Name(), Size: j.list.Info.Size(), SHA256: j.read.String()}
		},
		ExitCode: func(bad int64, err error) int { return cli.ExitCode(cli.OutcomeOf(bad, err)) },
		Retry:    func(code string) string { return retryCommandFor(j.output, code) },
	}
}

// retryCommandFor is the command that sends the rows with an error code again.
func retryCommandFor(results, code string) string {
	return "bulkonboard retry " + cli.Quoted(results) + " --error-code " + cli.Quoted(code)
}

// fileSum hashes what is read of a file.
type fileSum struct{ hash.Hash }

func newFileSum() fileSum { return fileSum{sha256.New()} }

// String is the hash in hexadecimal digits.
func (s fileSum) String() string { return hex.EncodeToString(s.Sum(nil)) }

// checkSummary refuses to overwrite a file that has the summary's name and is
// none.
func (s *settings) checkSummary() error {
	path := sink.SummaryPath(s.output)
	b, err := readSummaryFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist) || s.overwrite:
		return nil
	case err != nil:
		return cli.Problems{"the summary would be written over " + path + ", which cannot be looked at: " + err.Error()}
	}
	if _, err := sink.DecodeSummary(b); errors.Is(err, sink.ErrNoSummary) {
		return cli.Problems{fmt.Sprintf("%s exists and is no summary of a run; name another --output, or replace it with --overwrite", path)}
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
