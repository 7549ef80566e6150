package chunks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// NoJobError says that a store has no manifest.
type NoJobError struct{}

func (*NoJobError) Error() string {
	return "there is no job yet: plan one, or check the name"
}

// OtherJobError says that the store has a job already, and that it is another.
type OtherJobError struct{ Run string }

func (e *OtherJobError) Error() string {
	return fmt.Sprintf("there is a job already (%s), of another list or with other settings; plan this one under another name", e.Run)
}

// LostError says that somebody else resumes a part: it was taken for dead,
// or started twice. What was answered is in the store.
type LostError struct{ Part string }

func (e *LostError) Error() string {
	return e.Part + " was taken over by another worker; this one has stopped, and nothing is lost"
}

// NoRoundError says that a job has no such round.
type NoRoundError struct{ Round, Rounds int }

func (e *NoRoundError) Error() string {
	return fmt.Sprintf("there is no round %d of the job: it has %d", e.Round, e.Rounds)
}

// NoChunkError says that a job has no such chunk.
type NoChunkError struct{ Index, Chunks int }

func (e *NoChunkError) Error() string {
	return fmt.Sprintf("there is no chunk %d: the job has %d, from 0", e.Index, e.Chunks)
}

// NotDoneError says which parts must have run before.
type NotDoneError struct{ Parts []string }

// maxNamed is how many parts a message names.
const maxNamed = 10

func (e *NotDoneError) Error() string {
	names := e.Parts
	more := ""
	if len(names) > maxNamed {
		names, more = names[:maxNamed], fmt.Sprintf(" and %d more", len(e.Parts)-maxNamed)
	}
	return fmt.Sprintf("not done yet: %s%s; run them first", strings.Join(names, ", "), more)
}

// DamagedError says that the store has lost something that it had, or has
// something that was not put there.
type DamagedError struct{ Name, Reason string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s in the store of the job: %s; take it from a copy, or plan the job again, under another name", e.Name, e.Reason)
}

// missing tells an object that is gone from a store that cannot be asked.
func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &DamagedError{Name: name, Reason: "it was there and is gone"}
	}
	return err
}

// NewerError says that an object of a job has something that this program does
// not know, and so cannot keep to.
type NewerError struct{ Name, Reason string }

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s of the job was written by a newer version (%s): use that one", e.Name, e.Reason)
}

// MissingError says that a row has no answer though all parts are done: the
// store has lost something. No results are written.
type MissingError struct{ Row int64 } // 0: one that would have to be called for

func (e *MissingError) Error() string {
	row := "a row"
	if e.Row > 0 {
		row = fmt.Sprintf("row %d", e.Row)
	}
	return row + " has no answer, though its part is done: something was removed from the store; nothing was written"
}

// ChangedError says that a part of the list is not what was planned.
type ChangedError struct{ Part, Reason string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s is not as it was planned: %s; plan the job again, under another name", e.Part, e.Reason)
}

// because gives the reason why ctx ended, where that is why something failed.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return context.Cause(ctx)
	}
	return err
}
