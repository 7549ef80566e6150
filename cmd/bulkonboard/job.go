package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/state"
)

// job is one list on its way through the service, with the lock held.
type job struct {
	*settings
	treatment
	dir    *state.Dir
	caller batch.Caller
	stderr io.Writer

	id    string // of the run
	began bool   // an earlier start may have made calls
	path  string // of the list, or of what was spooled
	list  *openList
	read  fileSum // of the list, as far as it was read
}

// run prepares the run and makes it.
func (j *job) run(ctx context.Context, stdin io.Reader) error {
	var err error
	if j.id, j.began, err = j.dir.Began(); err != nil {
		return err
	}
	if !j.began {
		j.id = batch.NewID(time.Now())
	}
	if err := j.find(stdin); err != nil {
		return j.refuse(err)
	}
	defer j.list.Close()
	ctx, closeWindow := j.window.limited(ctx)
	defer closeWindow()
	ctx, abort, release := untilSignalled(ctx, j.grace, j.stderr)
	defer release()
	var duplicates *batch.Duplicates
	if !j.noPreflight {
		forecast, err := j.preflight(ctx)
		if err != nil {
			return j.refuse(err)
		}
		if duplicates = forecast.Duplicates; j.duplicates == "send" {
			duplicates = nil
		}
	}
	summary, err := batch.Run(ctx, j.config(duplicates, abort))
	j.remember(summary.Pace.Learned, time.Now())
	if summary.Began || summary.Complete {
		printSummary(j.stderr, j.settings, summary)
	}
	return outcomeOf(summary.Bad(), err)
}

// find finds the list, and opens it at its first record.
func (j *job) find(stdin io.Reader) (err error) {
	j.path = j.input
	if j.fromStandardInput() {
		if j.path, err = spool(j.dir, j.began, stdin, j.stderr); err != nil {
			return err
		}
	}
	j.read = newFileSum()
	list, err := j.open(j.path, j.read)
	if err != nil {
		return err
	}
	if j.treatment, err = j.treatmentOf(list.List); err != nil {
		list.Close()
		return err
	}
	j.list = list
	return nil
}

// refuse leaves no state of a list that is refused before its first call.
func (j *job) refuse(reason error) error {
	if j.began || exitCode(reason) != exitBadList {
		return reason
	}
	if err := j.dir.Dismantle(); err != nil {
		return err
	}
	return reason
}

func (j *job) config(duplicates *batch.Duplicates, abort <-chan struct{}) batch.Config {
	log := slog.New(slog.NewTextHandler(j.stderr, nil)).With("run", j.id)
	return batch.Config{
		ID:          j.id,
		List:        j.list.List,
		Encoder:     j.encoder,
		Keep:        j.keep,
		Duplicates:  duplicates,
		Origin:      batch.Origin{List: j.name(), Command: commandLine(os.Args)},
		Caller:      j.caller,
		Pace:        j.controller(log),
		State:       j.dir,
		Results:     j.output,
		Rejects:     j.rejects,
		SummaryFile: j.summaryFile(),
		Binding:     j.binding(j.list.List),
		FormID:      j.formID,

		MaxInFlight: j.maxInFlight,
		MaxAttempts: j.maxAttempts,
		MaxBackoff:  j.maxBackoff,
		Grace:       j.grace,
		MaxFailures: j.limit,
		Abort:       abort,
		Log:         log,

		AcceptRefusals: j.acceptRefusals || j.retry != nil,
	}
}
