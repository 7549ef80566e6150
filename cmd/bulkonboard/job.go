package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"bulkonboard/batch"
	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// job is one list on its way through the service, with the lock held.
type job struct {
	settings  *settings
	treatment treatment
	voice     *cli.Voice
	dir       *state.Dir
	caller    batch.Caller
	askAccess func(context.Context) session.Reply
	known     *known.Known // nil without a ledger
	opened    *cli.OpenedLedger

	monitor   measure.Monitor
	began     bool   // an earlier start may have made calls
	path      string // of the list, or of what was spooled
	list      *cli.OpenList
	kept      *customers.KeptResults
	inLedger  answers.Chain     // what the ledger has said of the list
	left      *state.Checkpoint // of the run that was interrupted; nil for none
	untouched bool              // no row of it has a result, so nothing depends on its list
	size      int64             // of the list's file as an earlier start read it; 0 when none did anything
	added     int64             // bytes that it has got since
	read      fileSum           // of the list, as far as it was read

	corrected *sink.File    // the list of a retry with corrections; nil without
	recalled  *sink.Learned // pace that an earlier run found; nil for none
}

// run prepares the run and makes it.
func (j *job) run(ctx context.Context, stdin io.Reader) (err error) {
	id, began, err := j.dir.Began()
	if err != nil {
		return err
	}
	if j.began = began; began {
		j.voice.Of(id)
	}
	j.settings.set = j.settings.list.KeepConstants(j.voice.ID)
	shown, err := j.settings.metrics.open(ctx, &j.monitor, j.voice.Log)
	if err != nil {
		return j.refuse(err)
	}
	if shown != nil {
		j.caller = shown.attempts.Count(j.caller)
		defer func() {
			if !errors.Is(err, errAnotherDay) { // the next start continues showing them
				shown.end(cli.ExitCode(err), time.Now())
			}
			shown.close()
		}()
	}
	if err := j.find(stdin); err != nil {
		return j.refuse(err)
	}
	defer j.list.Close()
	j.recalled = j.recall(time.Now())
	return j.take(ctx)
}

// take takes the list through the service, and says what came of it.
func (j *job) take(ctx context.Context) error {
	ctx, closeWindow := j.settings.limits.until.limited(ctx)
	defer closeWindow()
	ctx, abort, release := cli.UntilSignalled(ctx, j.settings.limits.grace, j.voice.Say)
	defer release()
	stop := showProgress(&j.monitor, j.voice.People, j.voice.Log)
	defer stop()
	forecast, err := j.preflight(ctx)
	if err != nil {
		return j.refuse(err)
	}
	c := j.config(abort)
	c.Ends, c.Standings, c.Answers = forecast.Ends, forecast.Standings(), j.answers()
	if forecast.Duplicates.Len() > 0 && j.settings.duplicates != "send" {
		scratch, err := scratchIn(j.dir)
		if err != nil {
			return err
		}
		defer func() { _ = scratch.Close() }() // it is no longer needed
		c.Duplicates, c.Scratch = forecast.Duplicates, scratch
	}
	summary, err := batch.Run(ctx, c)
	stop()
	if j.added > 0 {
		j.voice.Say("%s has grown by %d bytes since this run began to read it; the rows that were added are not part of this run: send them with a run of their own", j.settings.list.Name(), j.added)
	}
	j.remember(summary.Pace.Learned, time.Now())
	if summary.Began || summary.Complete {
		end := &conclusion{outputs: &j.settings.outputs, ceiling: j.settings.limits.pace.ceiling, again: j.settings.again}
		printSummary(j.voice.People, end, summary)
		logSummary(j.voice, end, summary, cli.ExitCode(cli.OutcomeOf(summary.News(), err)))
	}
	return cli.OutcomeOf(summary.News(), err)
}

// answers has the results of rows that are not sent: those that stay in a retry,
// and then what the ledger knows.
func (j *job) answers() (chain answers.Chain) {
	if j.treatment.keep != nil {
		chain = append(chain, answers.Kept(j.treatment.keep))
	}
	if j.kept != nil {
		chain = append(chain, j.kept)
	}
	return append(chain, j.inLedger...)
}

// find finds the list, and opens it at its first record.
func (j *job) find(stdin io.Reader) (err error) {
	j.path = j.settings.list.Input
	j.settings.list.Scratch = func() (*os.File, error) { return scratchIn(j.dir) }
	switch {
	case j.settings.spooled:
		j.path, err = j.dir.Spooled()
	case j.settings.list.FromStandardInput():
		j.path, err = spool(j.dir, j.began, j.takesOver(), stdin, j.voice)
	case j.settings.retry != nil && j.settings.retry.fixes != "":
		j.path, err = j.correct()
		err = j.resumable(err)
	}
	if err != nil {
		return err
	}
	j.read = newFileSum()
	j.sized()
	list, err := j.settings.list.OpenFirst(j.path, j.size, j.read)
	if err != nil {
		return err
	}
	j.size = list.Size
	if j.treatment, err = j.settings.treatmentOf(list.List); err != nil {
		list.Close()
		return err
	}
	j.list = list
	return nil
}

// sized finds how much of the list this run reads: what it had when an earlier
// start did something about it, unless that is to be taken over when the list has
// grown. That a list is shorter now, the run finds by its rows.
func (j *job) sized() {
	left, err := state.Inspect(fileSystem, j.settings.outputs.stateDir())
	if err != nil || left.Checkpoint == nil || left.Checkpoint.Complete {
		return
	}
	j.left, j.untouched = left.Checkpoint, left.Checkpoint.Row+int64(left.Answers) == 0
	if !j.untouched && !j.takesOver() {
		j.size = j.left.Size
	}
}

// refuse leaves no state of a job that is refused before its first call.
func (j *job) refuse(reason error) error {
	if code := cli.ExitCode(reason); j.began || code != cli.ExitBadList && code != cli.ExitUsage {
		return reason
	}
	if err := j.dir.Dismantle(); err != nil {
		return err
	}
	return reason
}

// binding is what a resumed run must agree on. A workbook is written as a whole when
// it is saved, so one that differs is another list.
func (j *job) binding() batch.Binding {
	b := j.settings.binding(j.list.List)
	if j.list.Sheet() != "" {
		b = append(b, batch.Bond{Name: "workbook", Value: "sha256:" + j.read.String(), Of: batch.ToFile})
	}
	return b
}

func (j *job) config(abort <-chan struct{}) batch.Config {
	return batch.Config{
		ID:      j.voice.ID,
		List:    j.list.List,
		Encoder: j.treatment.encoder,
		Known:   j.known,
		Origin:  batch.Origin{List: j.settings.list.Name(), Command: cli.CommandLine()},
		Caller:  j.caller,
		Pace:    j.paceConfig(),
		State:   j.dir,
		Results: j.settings.outputs.results,
		Rejects: j.settings.outputs.rejects,
		Size:    j.size,

		ReplaceResults: j.settings.replacesResults(),
		ReplaceRejects: j.settings.outputs.replaceRejects,
		SummaryFile:    j.summaryFile(),
		Binding:        j.binding(),
		FormID:         j.settings.service.Target.FormID,

		MaxInFlight: j.settings.limits.inFlight(),
		MaxAttempts: j.settings.limits.calls.MaxAttempts,
		MaxBackoff:  j.settings.limits.calls.MaxBackoff,
		Grace:       j.settings.limits.grace,
		MaxFailures: j.settings.limits.failures,
		MaxCalls:    j.settings.limits.maxCalls,
		Abort:       abort,
		Monitor:     &j.monitor,
		Log:         j.voice.Log,

		AskAccess:      j.askAccess,
		AcceptRefusals: j.settings.limits.maxFailures != "" || j.settings.retry != nil,
	}
}
