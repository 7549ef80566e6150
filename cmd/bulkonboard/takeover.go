package main

// An interrupted run whose list has changed: when it is taken over, and how.

import (
	"errors"
	"fmt"
	"os"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
)

// takesOver reports a start that may take an interrupted run over instead of
// resuming it: with a ledger, another list calls no customer twice. A retry knows its
// list.
func (j *job) takesOver() bool { return j.began && j.known != nil && j.settings.retry == nil }

// superseded reports an interrupted run that this list cannot resume.
func (j *job) superseded(f *preflight.Forecast) bool {
	return j.takesOver() && batch.Superseded(j.left, j.binding(), f.Ends)
}

// takeOver ends the interrupted run, whose list has changed, and makes this start
// the first one of another.
func (j *job) takeOver() error {
	if err := j.keepNext(); err != nil {
		return err
	}
	t, err := batch.TakeOver(j.dir, j.known)
	if err != nil {
		return err
	}
	j.began = false
	j.voice.Of(batch.NewID(time.Now()))
	j.settings.set = j.settings.list.KeepConstants(j.voice.ID)
	fmt.Fprintf(j.voice.People, "the list has changed since run %s was interrupted: the ledger has what that run did (%s written, %d done, waiting to be written, %d calls in flight that may be repeated); starting over with the new list\n",
		t.Run, cli.Counted(t.Rows, "row"), t.Answers, t.Doubts)
	j.voice.Told.Info("taking over", "event", "takeover", "interrupted_run", t.Run, "rows_done", t.Rows, "answers_from_journal", t.Answers, "calls_in_doubt", t.Doubts)
	return j.today(time.Now())
}

// keepNext keeps the new list in the place of the list that the interrupted run
// began with, when it came by standard input. If that run still stands afterwards,
// it is taken over by the next start.
func (j *job) keepNext() error {
	if j.path != j.dir.KeptPath(state.SpoolNext) {
		return nil
	}
	next, err := os.Open(j.path)
	if err != nil {
		return &state.IOError{Op: "open", Path: j.path, Err: err}
	}
	return errors.Join(j.dir.KeepSpool(next), next.Close())
}
