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
	known  *batch.Known // nil without a ledger
	stderr io.Writer

	began bool   // an earlier start may have made calls
	path  string // of the list, or of what was spooled
	list  *openList
}

// run prepares the run and makes it.
func (j *job) run(ctx context.Context, stdin io.Reader) error {
	var err error
	if j.began, err = j.dir.Began(); err != nil {
		return err
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
	if err == nil && summary.Bad() > 0 {
		return &badRowsError{summary.Bad()}
	}
	return err
}

// find finds the list, and opens it at its first record.
func (j *job) find(stdin io.Reader) (err error) {
	j.path = j.input
	if j.fromStandardInput() {
		if j.path, err = spool(j.dir, j.began, stdin, j.stderr); err != nil {
			return err
		}
	}
	list, err := j.open(j.path)
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
	log := slog.New(slog.NewTextHandler(j.stderr, nil))
	return batch.Config{
		List:       j.list.List,
		Encoder:    j.encoder,
		Keep:       j.keep,
		Duplicates: duplicates,
		Known:      j.known,
		Origin:     batch.Origin{List: j.name(), Command: commandLine(os.Args)},
		Caller:     j.caller,
		Pace:       j.controller(log),
		State:      j.dir,
		Results:    j.output,
		Rejects:    j.rejects,
		Binding:    j.binding(j.list.List),
		FormID:     j.formID,

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
