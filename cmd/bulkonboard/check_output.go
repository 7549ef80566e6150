package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bulkonboard/batch/preflight"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
)

// What a run takes of the disk beside the results' own columns, in bytes: the
// columns that it adds, and its scratch file, for each row; and the journal, which
// the window bounds.
const (
	addedColumns  = 170
	scratchRow    = 40
	scratchKnown  = 100 // with a ledger
	journalAtMost = 16 << 20
)

// lookAtOutput says whether a run could put its results where it is to. forecast
// is nil where the list could not be read.
func (i *inspection) lookAtOutput(stdout io.Writer, forecast *preflight.Forecast) error {
	i.planned.outputs.date(time.Now()) // as the run would
	fmt.Fprintf(stdout, "output:     %s\n", cli.OneLine(i.planned.outputs.results))
	var wrong findings
	tell := func(name, text string, err error) {
		s := step{Step: name, Result: "ok", Text: text}
		if err != nil {
			s.Result, s.Text = "failed", err.Error()
			wrong.add(err)
		}
		s.print(stdout)
		i.found.Output = append(i.found.Output, s)
	}
	text, err := i.planned.lookAtPlace()
	tell("place", text, err)
	if forecast != nil {
		text, err = i.lookAtDisk(forecast)
		tell("disk", text, err)
	}
	return wrong.err()
}

// lookAtPlace says what stands where the results are to be.
func (s *settings) lookAtPlace() (string, error) {
	folder := filepath.Dir(s.outputs.results)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", cli.Problems{fmt.Sprintf("--output: there is no folder %s", folder)}
	}
	if unix.Access(folder, unix.W_OK) != nil {
		return "", cli.Problems{fmt.Sprintf("--output: you may not write to %s; choose another --output", folder)}
	}
	left, err := state.Inspect(fileSystem, s.outputs.stateDir())
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	case left.Held:
		return "", &state.HeldError{Path: s.outputs.stateDir(), Holder: left.Holder}
	case left.Checkpoint != nil && !left.Checkpoint.Complete:
		return fmt.Sprintf("a run is interrupted there, with %s done; the same command resumes it", cli.Counted(left.Checkpoint.Row, "row")), nil
	}
	if !s.list.FromStandardInput() && s.list.Input != "" {
		if sum, err := s.complete(s.list.Input); err != nil || sum != nil {
			return "the run is complete already: the same command calls no customer", err
		}
	}
	return "free, or to be replaced", s.checkFiles()
}

// lookAtDisk compares the room on the disk with what the run takes.
func (i *inspection) lookAtDisk(f *preflight.Forecast) (string, error) {
	folder := filepath.Dir(i.output)
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return "", &state.IOError{Op: "look at", Path: folder, Err: err}
	}
	free, need := disk.Bavail*uint64(disk.Bsize), uint64(i.needs(f))
	text := fmt.Sprintf("%s needed in %s, %s free", bytesText(need), folder, bytesText(free))
	if free < need {
		return "", &roomError{text}
	}
	return text, nil
}

// roomError is a disk that is too small for a run.
type roomError struct{ text string }

// Error says how much is missing where.
func (e *roomError) Error() string {
	return "the disk is too small for the run: " + e.text + "; make room, or choose another --output"
}

// Kind is that of the error with which the run would end.
func (e *roomError) Kind() cli.Kind { return cli.Passing }

// needs is how many bytes a run takes, at most.
func (i *inspection) needs(f *preflight.Forecast) int64 {
	perRow, copies := int64(addedColumns+scratchRow), int64(1)
	if f.Asked {
		perRow = addedColumns + scratchKnown
	}
	if i.planned.outputs.rejects != "" {
		copies++
	}
	if i.list.FromStandardInput() {
		copies++ // which is kept
	}
	return copies*f.Bytes + perRow*f.Rows + journalAtMost
}

// bytesText is a size as people read it.
func bytesText(n uint64) string {
	const k = 1000
	switch {
	case n >= k*k*k:
		return fmt.Sprintf("%.1f GB", float64(n)/(k*k*k))
	case n >= k*k:
		return fmt.Sprintf("%.1f MB", float64(n)/(k*k))
	}
	return fmt.Sprintf("%d kB", (n+k-1)/k)
}
