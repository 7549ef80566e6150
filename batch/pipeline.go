package batch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

// channels join the stages. The sender closes a channel. Attempts and replies
// have room for all calls in flight.
type channels struct {
	order   chan *slot   // from the reader to the writer: the window, in the order of the list
	work    chan *slot   // from the reader to the dispatcher
	entries chan entry   // from the dispatcher to the journaler
	calls   chan *slot   // from the journaler to the workers
	replies chan attempt // from the workers to the dispatcher

	window       *semaphore.Weighted // bytes of order
	backpressure *backpressure       // from the reader to the dispatcher
	ready        notifier            // from the journaler and the dispatcher to the writer
	settled      chan struct{}       // closed by the journaler: no further result will come

	stop context.CancelCauseFunc // ends sending, with the reason
}

func newChannels(maxInFlight int, stop context.CancelCauseFunc) *channels {
	return &channels{
		order: make(chan *slot, windowRecords), work: make(chan *slot, maxInFlight), entries: make(chan entry, 2*maxInFlight),
		calls: make(chan *slot, maxInFlight), replies: make(chan attempt, maxInFlight),
		window: newWindow(), backpressure: newBackpressure(), ready: newNotifier(), settled: make(chan struct{}), stop: stop,
	}
}

// pipeline makes the stages, runs them to their ends, and publishes the outputs
// when they are complete.
func (r *run) pipeline(ctx context.Context) error {
	begins := r.openWave()
	if err := r.openOutputs(); err != nil {
		return err
	}
	// soft ends sending; calls ends the calls in flight, a grace later.
	soft, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()

	c := newChannels(r.MaxInFlight, stop)
	read, journal, write := r.newReader(c), r.newJournaler(c), r.newWriter(c)
	dispatch, err := r.newDispatcher(c, begins)
	if err != nil {
		return err
	}
	var g errgroup.Group
	ends := func(f func() error) {
		g.Go(func() error {
			err := f()
			if err != nil {
				stop(err)
			}
			return err
		})
	}
	ends(func() error { read.run(soft); return nil })
	ends(func() error { dispatch.run(soft); return nil })
	ends(journal.run)
	ends(write.run)
	r.startWorkers(calls, c, &g)
	g.Go(func() error {
		graceThen(soft, r.Grace, r.Abort, c.settled, abort)
		return nil
	})
	err = g.Wait()

	r.meter.Paced(time.Now(), r.pace.Snapshot(time.Now()))
	if err == nil && write.all && read.complete {
		return r.publish(write.position)
	}
	if begins.closes(context.Cause(soft)) {
		r.totals.Wave = nil
	}
	if err == nil { // everything written is committed, and not what was measured since
		takeUnwritten(r.records, c.order)
		err = r.commit(write.position, r.totals)
	}
	cause := context.Cause(soft)
	if cause == nil {
		return err
	}
	if err != nil && !errors.Is(cause, err) {
		r.Log.Warn("not everything that is done could be saved; the next start will", "event", "commit_failed", "error", err)
	}
	return cause
}

func (r *run) newReader(c *channels) *reader {
	if len(r.Answers) > 0 {
		r.List.DecodeLater()
	}
	return &reader{
		records: unchanged(r.List.RecordsFrom(r.from), r.Ends, r.from.Row), leftover: r.leftover, answers: r.chain(), duplicates: r.Duplicates,
		window: c.window, order: c.order, work: c.work, backpressure: c.backpressure, monitor: r.Monitor,
	}
}

// chain is all that is asked for the results of rows that need no call.
func (r *run) chain() answers.Chain {
	return slices.Concat(answers.Chain{r.leftover}, r.Answers, answers.Chain{answers.Problems(r.decided)})
}

func (r *run) newDispatcher(c *channels, begins *callsLeft) (*dispatcher, error) {
	r.Pace.Asked = r.AskAccess != nil
	r.pace = pace.New(r.Pace)
	d := &dispatcher{
		pace: r.pace, changes: paceLog{log: r.Log}, maxAttempts: r.MaxAttempts, maxBackoff: r.MaxBackoff, formID: r.FormID,
		work: c.work, backpressure: c.backpressure, replies: c.replies, journal: c.entries, ready: c.ready, stop: c.stop,
		watch: r.watch, others: r.OthersAnswered, meter: r.meter, monitor: r.Monitor, decided: r.decided, log: r.Log, logAttempts: r.Log.Enabled(context.Background(), slog.LevelDebug),
		access: access{ask: r.AskAccess}, wave: begins, proven: r.proven, recognised: r.proven,
		underWay: &underWay{later: map[string][]*slot{}, given: customers.NewGiven(r.Duplicates, r.Scratch)},
	}
	// A run that has answers knows that form and mapping are right.
	if !r.AcceptRefusals && r.totals.Rows == 0 && !r.answeredOther {
		d.refusals = &refusals{}
	}
	return d, r.takeCustomerResults(d.underWay.given)
}

func (r *run) newJournaler(c *channels) *journaler {
	j := &journaler{
		journal: r.journal, entries: c.entries, calls: c.calls, replies: c.replies, ready: c.ready, settled: c.settled, stop: c.stop,
		monitor: r.Monitor, known: r.Known,
	}
	if r.Known != nil {
		j.hasher = r.Known.Ledger.Hasher(r.Known.Owner)
	}
	return j
}

// startWorkers starts as many workers as calls may be in flight.
func (r *run) startWorkers(ctx context.Context, c *channels, g *errgroup.Group) {
	limit := newLimiter(newCeiling(r.Pace))
	paced := session.Paced(ctx, limit.wait)
	for range r.MaxInFlight {
		g.Go(func() error {
			sendAttempts(paced, r.Caller, limit, r.FormID, c.calls, c.replies)
			return nil
		})
	}
}

func (r *run) newWriter(c *channels) *writer {
	return &writer{
		order: c.order, ready: c.ready, settled: c.settled, window: c.window,
		results: r.results, rejects: r.rejects, customerResults: r.customerResults, reported: r.reported, encoder: r.Encoder, excerpt: r.excerpt,
		commit: r.commit, position: r.from, dirty: true, totals: r.totals, rowsBefore: r.totals.Rows, failedBefore: r.totals.Failures(), budget: r.MaxFailures,
		records: r.records, problems: r.problems, ids: newSharedIDs(r.FormID, r.records), meter: r.meter, monitor: r.Monitor, log: r.Log,
	}
}
