package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bulkonboard/batch"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// Exit codes, after sysexits.h where it has one.
const (
	exitOK          = 0   // complete, every row ok, duplicate or known
	exitBadRows     = 1   // complete, some rows did not end well
	exitUsage       = 64  // usage or configuration: nothing was sent
	exitBadList     = 65  // the input cannot be read as a customer list: nothing was sent
	exitState       = 70  // a state that must be looked at
	exitHeld        = 73  // another run holds the lock
	exitIO          = 74  // a file could not be read or written: resumable
	exitStopped     = 75  // stopped before the end: resumable
	exitRefused     = 77  // credentials or tenant refused: resumable once mended
	exitInterrupted = 130 // interrupted: resumable
)

// badRowsError is a complete run in which some rows did not end well. The
// summary has said so; it carries nothing but the exit code.
type badRowsError struct{ rows int64 }

func (e *badRowsError) Error() string { return fmt.Sprintf("%d rows did not end well", e.rows) }

// usageError lists everything that is wrong with a command line.
type usageError struct{ problems []string }

func (e *usageError) Error() string {
	if len(e.problems) == 1 {
		return e.problems[0]
	}
	return fmt.Sprintf("%d things to mend before the run can start:\n  ", len(e.problems)) + strings.Join(e.problems, "\n  ")
}

// exitCode is the one place where errors become exit codes. An error that
// nobody below has given a type is a wrong command line.
func exitCode(err error) int {
	var (
		bad      *badRowsError
		list     *source.ListError
		invalid  *batch.InvalidError
		stream   *otherStreamError
		changed  *source.ChangedError
		settings *batch.ChangedError
		counts   *batch.CountsError
		failures *batch.FailuresError
		refusals *batch.RefusalsError
		outage   *pace.OutageError
		wait     *pace.WaitError
		refused  *batch.RefusedError
		reading  *source.ReadError
		corrupt  *state.CorruptError
		planted  *state.PlantedError
		held     *state.HeldError
		deadline *batch.DeadlineError
		differs  *differsError
		undone   *unfinishedError
		io       *state.IOError
		file     *ledger.FileError
		secret   *ledger.SecretError
		format   *ledger.FormatError
		path     *fs.PathError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &bad):
		return exitBadRows
	case errors.As(err, &held):
		return exitHeld
	case errors.As(err, &corrupt), errors.As(err, &planted), errors.As(err, &changed), errors.As(err, &settings), errors.As(err, &counts), errors.As(err, &stream), errors.As(err, &differs),
		errors.As(err, &secret), errors.As(err, &format):
		return exitState
	case errors.As(err, &io), errors.As(err, &reading), errors.As(err, &file), errors.As(err, &path) && path.Op == "write":
		return exitIO
	case errors.As(err, &list), errors.As(err, &invalid):
		return exitBadList
	case errors.As(err, &refusals):
		return exitUsage
	case errors.As(err, &refused):
		return refusedCode(refused)
	case errors.As(err, &failures), errors.As(err, &deadline), errors.As(err, &outage), errors.As(err, &wait), errors.As(err, &undone):
		return exitStopped
	case errors.Is(err, batch.ErrInterrupted):
		return exitInterrupted
	default:
		return exitUsage
	}
}

// refusedCode tells a wrong address, which is configuration, from wrong
// credentials.
func refusedCode(e *batch.RefusedError) int {
	switch e.Outcome {
	case session.CredentialsRefused, session.TenantRefused:
		return exitRefused
	default:
		return exitUsage
	}
}
