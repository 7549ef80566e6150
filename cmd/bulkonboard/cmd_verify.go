package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify RESULTS",
		Short: "Check that results are as their run wrote them",
		Long: `verify reads RESULTS and RESULTS.summary.json and tells whether the results are,
byte for byte and row for row, those of the run. The rejects and the list are
checked too when they are still there. Exit code 0: all fits. 70: something
differs, and what. 75: the run is not complete.`,
		Example: `  bulkonboard verify results.csv`,
		Args:    namedResults,
		RunE: func(c *cobra.Command, args []string) error {
			return verify(c.OutOrStdout(), args[0])
		},
	}
}

// differsError says what is not as a run left it.
type differsError struct {
	results, run string
	differences  []string
}

// Kind is that of a state that must be looked at.
func (e *differsError) Kind() cli.Kind { return cli.Changed }

func (e *differsError) Error() string {
	return fmt.Sprintf("%s is not as run %s left it:\n  ", e.results, e.run) + strings.Join(e.differences, "\n  ") + "\n" + wayBack(e.results)
}

// noSummaryError says that a file has no summary beside it: results that lost it,
// or a file that is not the results of a run.
type noSummaryError struct{ results string }

// Kind says that a state must be looked at.
func (e *noSummaryError) Kind() cli.Kind { return cli.Changed }

func (e *noSummaryError) Error() string {
	return fmt.Sprintf("%s has no summary; name a results file, or restore %s from a copy", e.results, sink.SummaryPath(e.results))
}

// badSummaryError says that the file in the place of the summary cannot be read as
// one.
type badSummaryError struct {
	path, results string
	err           error
}

// Kind says that a state must be looked at.
func (e *badSummaryError) Kind() cli.Kind { return cli.Changed }

// Unwrap returns what is wrong with it.
func (e *badSummaryError) Unwrap() error { return e.err }

func (e *badSummaryError) Error() string {
	return fmt.Sprintf("%s: %v\n%s", e.path, e.err, wayBack(e.results))
}

// unfinishedError says that there is nothing to verify yet.
type unfinishedError struct{ text string }

// Kind is that of what is not at its end.
func (e *unfinishedError) Kind() cli.Kind { return cli.Unfinished }

func (e *unfinishedError) Error() string { return e.text }

// verification compares files with a summary and collects what it finds.
type verification struct {
	summary     *sink.Summary
	results     string
	differences []string
	notes       []string
}

func verify(w io.Writer, results string) error {
	s, err := summaryOf(results)
	edited := errors.Is(err, sink.ErrEdited)
	if err != nil && !edited {
		return err
	}
	v := &verification{summary: s, results: results}
	if edited {
		v.differ("%s: %v", sink.SummaryPath(results), err)
	}
	if err := v.unfinished(); err != nil && !edited {
		return err
	}
	for _, wrong := range s.Check() {
		v.differ("%s: %s", sink.SummaryPath(results), wrong)
	}
	if err := errors.Join(v.checkResults(), v.checkRejects(), v.checkInput()); err != nil {
		return err
	}
	if err := v.err(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: as run %s left it on %s\n", results, s.Run, s.EndedAt.Local().Format("2006-01-02 15:04:05"))
	for _, note := range v.notes {
		fmt.Fprintf(w, "  %s\n", note)
	}
	return nil
}

// summaryOf reads the summary beside results.
func summaryOf(results string) (*sink.Summary, error) {
	path := sink.SummaryPath(results)
	if info, err := os.Stat(results); err == nil && info.IsDir() {
		return nil, cli.Problems{fmt.Sprintf("%s is a folder; name the results file in it", cli.OneLine(results))}
	}
	b, err := readSummaryFile(path)
	if disk.Absent(err) {
		left, err := state.Inspect(disk.OS{}, cli.StateDirOf(results))
		if err == nil && (left.Held || left.Checkpoint != nil) { // the summary appears with the results
			return nil, &unfinishedError{fmt.Sprintf("the run that writes %s is not complete; %s shows how far it is", results, command("status", results))}
		}
		if _, err := os.Stat(results); err != nil {
			return nil, cli.Problems{fmt.Sprintf("there is neither %s nor its summary; check the name", results)}
		}
		return nil, &noSummaryError{results}
	}
	if err != nil {
		return nil, &state.IOError{Op: "read", Path: path, Err: err}
	}
	s, err := sink.DecodeSummary(b)
	if err != nil && s == nil {
		return nil, &badSummaryError{path, results, err}
	}
	return s, err
}

// unfinished tells of a run that is not complete, or was killed while it put
// its files in place: then they need not be of one run.
func (v *verification) unfinished() error {
	left, err := state.Inspect(disk.OS{}, cli.StateDirOf(v.results))
	switch {
	case err == nil && left.Checkpoint != nil && left.Checkpoint.Complete:
		return &unfinishedError{fmt.Sprintf("the run that writes %s has not put its files in place; run the same command again to resume", v.results)}
	case !v.summary.Complete:
		return &unfinishedError{fmt.Sprintf("run %s is not complete, so it has no results to check: %s; %s shows how to resume",
			v.summary.Run, v.summary.Reason, command("status", v.results))}
	}
	return nil
}

// err says what differs; nil when nothing does.
func (v *verification) err() error {
	if len(v.differences) == 0 {
		return nil
	}
	return &differsError{results: v.results, run: v.summary.Run, differences: v.differences}
}

func (v *verification) differ(format string, args ...any) {
	v.differences = append(v.differences, fmt.Sprintf(format, args...))
}

func (v *verification) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// checkResults checks bytes and rows, in one reading.
func (v *verification) checkResults() error {
	file, err := os.Open(v.results)
	if errors.Is(err, fs.ErrNotExist) {
		v.differ("%s is not there", v.results)
		return nil
	}
	if err != nil {
		return &state.IOError{Op: "read", Path: v.results, Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	seen := newFileSum()
	in := io.TeeReader(file, seen)
	counts, unreadable := countRows(in, resultsOptions(v.results, v.summary))
	if _, err := io.Copy(io.Discard, in); err != nil { // the rest of what cannot be read as rows
		return &state.IOError{Op: "read", Path: v.results, Err: err}
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return &state.IOError{Op: "read", Path: v.results, Err: err}
	}
	same := v.same(v.results, size, seen.String(), v.summary.Output)
	switch {
	case unreadable != nil && !same:
		v.differ("%s: its rows cannot be counted: %v", v.results, unreadable)
	case unreadable != nil:
		v.note("results  %d bytes, not one of them changed; the rows cannot be counted: %v", size, unreadable)
	default:
		v.compare(counts)
		v.note("results  %d bytes and %d rows, not one of them changed", size, counts.rows)
	}
	return nil
}

// same compares a file with what the summary says of it.
func (v *verification) same(name string, size int64, sum string, said *sink.File) bool {
	switch {
	case said == nil:
		v.differ("%s: the summary says nothing of it", name)
	case size != said.Size:
		v.differ("%s has %d bytes, and the run wrote %d", name, size, said.Size)
	case sum != said.SHA256:
		v.differ("%s has as many bytes as the run wrote, but not the same: some were changed", name)
	default:
		return true
	}
	return false
}

func (v *verification) checkRejects() error {
	said := v.summary.Rejects
	if said == nil {
		return nil
	}
	return v.checkFile("rejects", said, func(size int64, sum, _ string) {
		if v.same(said.Name, size, sum, said) {
			v.note("rejects  %d bytes, not one of them changed", size)
		}
	})
}

func (v *verification) checkInput() error {
	said := &v.summary.Input
	switch {
	case said.Name == cli.StandardInputName:
		v.note("list     came by standard input, and is not checked")
		return nil
	case v.summary.Output != nil && said.Name == v.summary.Output.Name:
		v.note("list     was the results themselves before this retry, and is not checked")
		return nil
	}
	return v.checkFile("list    ", said, func(size int64, sum, begins string) {
		switch {
		case size > said.Size && begins == said.SHA256:
			v.note("list     has %d bytes more at its end; what was sent is as it was", size-said.Size)
		case v.same(said.Name, size, sum, said):
			v.note("list     %d bytes, not one of them changed", size)
		}
	})
}

// checkFile hands on what a file is now: its size, its hash, and the hash of as
// much as there was of it. The name may be relative to where the run was
// started; then it is looked for beside the results as well.
func (v *verification) checkFile(what string, said *sink.File, check func(size int64, sum, begins string)) error {
	file, err := os.Open(said.Name)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = os.Open(filepath.Join(filepath.Dir(v.results), filepath.Base(said.Name)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		v.note("%s %s is not found from here, and not checked", what, said.Name)
		return nil
	}
	if err != nil {
		return &state.IOError{Op: "read", Path: said.Name, Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := newFileSum()
	n, err := io.CopyN(sum, file, said.Size)
	begins := sum.String()
	if err == nil {
		var more int64
		more, err = io.Copy(sum, file)
		n += more
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return &state.IOError{Op: "read", Path: said.Name, Err: err}
	}
	check(n, sum.String(), begins)
	return nil
}
