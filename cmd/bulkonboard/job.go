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
	log    *slog.Logger

	id      string // of the run
	monitor batch.Monitor
	began   bool   // an earlier start may have made calls
	path    string // of the list, or of what was spooled
	list    *openList
	read    fileSum // of the list, as far as it was read
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
	j.log = j.log.With("run", j.id)
	if err := j.find(stdin); err != nil {
		return j.refuse(err)
	}
	defer j.list.Close()
	ctx, closeWindow := j.window.limited(ctx)
	defer closeWindow()
	ctx, abort, release := untilSignalled(ctx, j.grace, j.stderr)
	defer release()
	stop := showProgress(&j.monitor, j.stderr, j.log)
	defer stop()
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
	c := j.config(abort)
	if duplicates.Len() > 0 {
		scratch, err := j.scratch()
		if err != nil {
			return err
		}
		defer func() { _ = scratch.Close() }() // nobody wants it any more
		c.Duplicates, c.Scratch = duplicates, scratch
	}
	summary, err := batch.Run(ctx, c)
	stop()
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

func (j *job) config(abort <-chan struct{}) batch.Config {
	return batch.Config{
		ID:          j.id,
		List:        j.list.List,
		Encoder:     j.encoder,
		Keep:        j.keep,
		Known:       j.known,
		Origin:      batch.Origin{List: j.name(), Command: commandLine(os.Args)},
		Caller:      j.caller,
		Pace:        j.controller(j.log),
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
		Monitor:     &j.monitor,
		Log:         j.log,

		AcceptRefusals: j.acceptRefusals || j.retry != nil,
	}
}
