package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/source"
)

// Exit codes, after sysexits.h where it has one.
const (
	ExitOK          = 0   // complete, every row ok, duplicate or known
	ExitBadRows     = 1   // complete, some rows did not end well
	ExitUsage       = 64  // usage or configuration: nothing was sent
	ExitBadList     = 65  // the input cannot be read as a customer list: nothing was sent
	ExitState       = 70  // a state that must be looked at
	ExitHeld        = 73  // another run holds the lock
	ExitIO          = 74  // a file could not be read or written: resumable
	ExitStopped     = 75  // stopped before the end: resumable
	ExitRefused     = 77  // credentials or tenant refused: resumable once mended
	ExitInterrupted = 130 // interrupted: resumable
)

// BadRowsError is a complete run in which some rows did not end well. The
// summary has said so; it carries nothing but the exit code.
type BadRowsError struct{ Rows int64 }

// Error says how many.
func (e *BadRowsError) Error() string { return fmt.Sprintf("%d rows did not end well", e.Rows) }

// OutcomeOf is what a run ends with.
func OutcomeOf(bad int64, err error) error {
	if err == nil && bad > 0 {
		return &BadRowsError{Rows: bad}
	}
	return err
}

// ExitCode is the one place where errors become exit codes. An error that
// nobody below has given a type is a wrong command line. One that only one of
// the programs has tells its own code.
func ExitCode(err error) int {
	var (
		own      interface{ ExitsWith() int }
		bad      *BadRowsError
		list     *source.ListError
		invalid  *preflight.InvalidError
		changed  *source.ChangedError
		settings *batch.ChangedError
		counts   *batch.CountsError
		failures *batch.FailuresError
		refusals *batch.RefusalsError
		outage   *pace.OutageError
		wait     *pace.WaitError
		setup    *pace.SetupError
		refused  *batch.RefusedError
		reading  *source.ReadError
		corrupt  *state.CorruptError
		planted  *state.PlantedError
		taken    *state.TakenError
		held     *state.HeldError
		deadline *batch.DeadlineError
		calls    *batch.CallsError
		io       *state.IOError
		file     *ledger.FileError
		secret   *ledger.SecretError
		format   *ledger.FormatError
		path     *fs.PathError
		other    *chunks.OtherJobError
		missing  *chunks.MissingError
		unlike   *chunks.ChangedError
		damaged  *chunks.DamagedError
		lost     *chunks.LostError
		undone   *chunks.NotDoneError
		place    *store.Error
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &own):
		return own.ExitsWith()
	case errors.As(err, &bad):
		return ExitBadRows
	case errors.As(err, &held):
		return ExitHeld
	case errors.As(err, &corrupt), errors.As(err, &planted), errors.As(err, &taken), errors.As(err, &changed), errors.As(err, &settings), errors.As(err, &counts),
		errors.As(err, &secret), errors.As(err, &format), errors.As(err, &other), errors.As(err, &missing), errors.As(err, &unlike), errors.As(err, &damaged):
		return ExitState
	case errors.As(err, &io), errors.As(err, &reading), errors.As(err, &file), errors.As(err, &place), errors.As(err, &path) && path.Op == "write":
		return ExitIO
	case errors.As(err, &list), errors.As(err, &invalid):
		return ExitBadList
	case errors.As(err, &refusals), errors.As(err, &setup):
		return ExitUsage
	case errors.As(err, &refused):
		return refusedCode(refused)
	case errors.As(err, &failures), errors.As(err, &deadline), errors.As(err, &calls), errors.As(err, &outage), errors.As(err, &wait), errors.As(err, &lost), errors.As(err, &undone):
		return ExitStopped
	case errors.Is(err, batch.ErrInterrupted):
		return ExitInterrupted
	default:
		return ExitUsage
	}
}

// refusedCode tells a wrong address, which is configuration, from wrong
// credentials.
func refusedCode(e *batch.RefusedError) int {
	switch e.Outcome {
	case session.CredentialsRefused, session.TenantRefused:
		return ExitRefused
	default:
		return ExitUsage
	}
}
