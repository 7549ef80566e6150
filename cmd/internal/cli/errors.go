package cli

// What an error means, in one table: the exit code, and whether trying again
// may help, which is what a cluster asks. An error of the commands carries its
// kind; one of the engine has a row here.

import (
	"errors"
	"fmt"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/source"
	"bulkonboard/source/workbook"
)

// Exit codes, after sysexits.h where it has one.
const (
	ExitOK          = 0   // complete, every row ok, duplicate or known
	ExitBadRows     = 1   // complete, some rows need attention
	ExitUsage       = 64  // usage or configuration: nothing was sent
	ExitBadList     = 65  // the input cannot be read as a customer list: nothing was sent
	ExitState       = 70  // a state that must be looked at
	ExitHeld        = 73  // another run holds the lock
	ExitIO          = 74  // a file could not be read or written: resumable
	ExitStopped     = 75  // stopped before the end: resumable
	ExitRefused     = 77  // credentials or tenant refused: resumable once fixed
	ExitInterrupted = 130 // interrupted: resumable
)

// Kind is what an error means to the person who has to do something about it.
type Kind struct {
	Name  string // is in the histories of Temporal: never change one
	Exit  int    // code of a command that ends with it
	Final bool   // it would come again: a person has to do something first
}

// The kinds of errors.
var (
	badRows     = Kind{"bad rows", ExitBadRows, true}
	Usage       = Kind{"usage", ExitUsage, true}
	Address     = Kind{"address", ExitUsage, true}    // what answers is not the service, or refuses every row
	Absent      = Kind{"not there", ExitUsage, false} // no such job or round in the store, which may not be mounted yet
	BadList     = Kind{"list", ExitBadList, true}
	Changed     = Kind{"changed", ExitState, true} // the list, the state or a store is not as it was
	Other       = Kind{"other", ExitState, true}   // a place is another job's
	Newer       = Kind{"newer", ExitUsage, false}  // a newer version of the program has asked for it, and can do it
	Held        = Kind{"held", ExitHeld, false}
	Passing     = Kind{"passing", ExitIO, false} // of files, of a store, and of what is not known
	Stopped     = Kind{"stopped", ExitStopped, true}
	Unfinished  = Kind{"unfinished", ExitStopped, false}
	Refused     = Kind{"refused", ExitRefused, true} // credentials or tenant
	Interrupted = Kind{"handed on", ExitInterrupted, false}
)

// kinds is the table. Of an error that is several, the first row counts.
var kinds = []struct {
	of Kind
	is []func(error) bool
}{
	{badRows, []func(error) bool{is[*BadRowsError]}},
	{Usage, []func(error) bool{is[Problems], is[*disk.NoLockError], is[*state.UnfinishedError]}},
	{Newer, []func(error) bool{is[*chunks.NewerError]}},
	{Held, []func(error) bool{is[*state.HeldError]}},
	{Other, []func(error) bool{is[*chunks.OtherJobError]}},
	{Changed, []func(error) bool{
		is[*state.CorruptError], is[*disk.PlantedError], is[*state.TakenError], is[*source.ChangedError], is[*batch.ChangedError], is[*batch.TakeOverError], is[*batch.FormatError], is[*customers.FormatError], is[*batch.CountsError],
		is[*ledger.SecretError], is[*ledger.FormatError], is[*chunks.MissingError], is[*chunks.ChangedError], is[*chunks.DamagedError],
	}},
	{Passing, []func(error) bool{is[*state.IOError], is[*source.ReadError], is[*ledger.FileError], is[*store.Error]}},
	{BadList, []func(error) bool{is[*source.ListError], is[*workbook.Error], is[*preflight.InvalidError], is[*preflight.ShrunkenError]}},
	{Refused, []func(error) bool{refusesSender}},
	{Address, []func(error) bool{is[*batch.RefusalsError], is[*batch.SetupError], is[*batch.RefusedError]}},
	{Absent, []func(error) bool{is[*chunks.NoJobError], is[*chunks.NoRoundError], is[*chunks.NoChunkError]}},
	{Stopped, []func(error) bool{is[*batch.FailuresError], is[*batch.OutageError], is[*batch.WaitError], is[*batch.CallsError]}},
	{Unfinished, []func(error) bool{is[*batch.DeadlineError], is[*chunks.LostError], is[*chunks.NotDoneError]}},
	{Interrupted, []func(error) bool{func(err error) bool { return errors.Is(err, batch.ErrInterrupted) }}},
}

// is reports an error of a type.
func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// refusesSender tells wrong credentials from a wrong address, which is
// configuration.
func refusesSender(err error) bool {
	var e *batch.RefusedError
	return errors.As(err, &e) && (e.Outcome == session.CredentialsRefused || e.Outcome == session.TenantRefused)
}

// KindOf is the kind of an error: the kind that it carries, or that of its row.
// What was not foreseen may pass, so the same command may be tried again.
func KindOf(err error) Kind {
	var own interface{ Kind() Kind }
	if errors.As(err, &own) {
		return own.Kind()
	}
	for _, row := range kinds {
		for _, is := range row.is {
			if is(err) {
				return row.of
			}
		}
	}
	return Passing
}

// KindNamed is the kind with a name; Passing when none of the table has it.
func KindNamed(name string) Kind {
	for _, row := range kinds {
		if row.of.Name == name {
			return row.of
		}
	}
	return Passing
}

// ExitCode is that of a command that ends with an error, or with none.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	return KindOf(err).Exit
}

// BadRowsError is a complete run in which some rows need attention. The
// summary has said so; it carries nothing but the exit code.
type BadRowsError struct{ Rows int64 }

// Error says how many.
func (e *BadRowsError) Error() string {
	if e.Rows == 1 {
		return "1 row needs attention"
	}
	return fmt.Sprintf("%d rows need attention", e.Rows)
}

// ExitCodeOf is that of a run with that number of rows that need attention.
func ExitCodeOf(bad int64, err error) int { return ExitCode(OutcomeOf(bad, err)) }

// OutcomeOf is what a run ends with.
func OutcomeOf(bad int64, err error) error {
	if err == nil && bad > 0 {
		return &BadRowsError{Rows: bad}
	}
	return err
}
