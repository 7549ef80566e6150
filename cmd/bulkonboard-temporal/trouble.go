package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"bulkonboard/batch"
	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// A part whose calls are not answered asks what the other parts of its round
// meet before it decides whose fault that is:
//
//	other parts            this worker is        then
//	are answered           not known to be well  the part is handed on, and the worker takes no more
//	are answered           known to be well      the part continues: its rows are at fault
//	are in trouble, too    -                     it is the service: as on one machine
//	are not there          -                     as on one machine, once another worker has tried it, if there is one
//
// Every row of the table needs a word from the server that is newer than the
// trouble.
const (
	// lookEvery is how often a part in trouble looks at the others.
	lookEvery = 2 * time.Second

	// lookTime is how long a part that would end the job looks for others that are
	// answered, before it takes them for parts that are not.
	lookTime = 30 * time.Second

	// confirmTime is how long a part waits for a call of its own that fails while
	// others are answered. After an outage some are answered before others try.
	confirmTime = 20 * time.Second

	// othersTime is how long it counts that others have been answered.
	othersTime = 15 * time.Second
)

// sickError is why a part is handed on though it could be called for: it met
// what other parts do not, or what another worker is to try.
type sickError struct {
	worker, reason string
	failing        bool // calls were answered, and failed
	alone          bool // no other worker is known to be answered
}

func (e *sickError) Error() string {
	return "the worker " + e.worker + " hands the part on: " + e.reason
}

// Kind tells what it means.
func (e *sickError) Kind() cli.Kind { return sick }

// watchedCaller notes what calls have met.
type watchedCaller struct {
	batch.Caller
	task *task
}

// Call implements batch.Caller.
func (w watchedCaller) Call(ctx context.Context, r *source.Customer) session.Reply {
	a := w.Caller.Call(ctx, r)
	if now := time.Now(); w.task.pulse.saw(now, &a) {
		w.task.health.sawAnswer(now)
	}
	return a
}

// evidence is what a part knows of the others, and they of it.
type evidence struct {
	info  activity.Info
	given heartbeatDetails // what the last try of the part left
	fresh atomic.Int64     // when others were known to be answered, in Unix nanoseconds

	trouble atomic.Value // a string: the kind of what all calls have met lately
	left    atomic.Pointer[sickError]
}

// tell fills in what others may know.
func (e *evidence) tell(d *heartbeatDetails, p *pulse) {
	d.Answered, d.Succeeded = p.counts()
	d.Trouble, _ = e.trouble.Load().(string)
	if d.Answered == 0 {
		d.Failing, d.Alone = e.given.Failing, e.given.Alone
	}
	if why := e.left.Load(); why != nil {
		d.Failing, d.Alone = why.failing, why.alone
	}
}

// othersAnswered reports that the rows of this part are at fault for what it
// meets: other parts are answered, and this worker is well.
func (e *evidence) othersAnswered() bool {
	at := e.fresh.Load()
	return at > 0 && time.Since(time.Unix(0, at)) < othersTime
}

// watching has the others looked at while the part is in trouble.
func (t *task) watching(ctx context.Context) (release func()) {
	if t.parts == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		t.watch(ctx)
	}()
	return func() { stop(); <-stopped }
}

// watch looks at the others while the part is in trouble, until ctx is done.
func (t *task) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var seen comparison
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		met, in := t.pulse.trouble(time.Now())
		if !in {
			t.evidence.trouble.Store("")
			seen = comparison{}
			continue
		}
		t.evidence.trouble.Store(met.kind.Name)
		now, err := t.parts.others(ctx, t.evidence.info)
		if err != nil || !seen.differs(now, met) { // the heartbeat sees to an error
			continue
		}
		if why := t.blame(ctx, met); why != nil {
			t.heartbeat.stop(why)
			return
		}
	}
}

// comparison is what a part in trouble has seen of the others.
type comparison struct {
	before neighbors
	first  time.Time // when others were seen to be answered first
	calls  int       // of the part in its trouble, by then
}

// differs takes in a look, and reports whether others are answered and this part
// is not, all the same: a call of its own has failed since they were.
func (c *comparison) differs(now neighbors, met trouble) bool {
	if c.before == nil {
		c.before = now
		return false
	}
	if !now.answeredSince(c.before, false) {
		return false
	}
	c.before = now
	if c.first.IsZero() {
		c.first, c.calls = time.Now(), met.calls
		return false
	}
	return met.calls > c.calls || time.Since(c.first) >= confirmTime
}

// blame decides whose trouble it is that others do not have: the rows', which
// returns nil, or the worker's.
func (t *task) blame(ctx context.Context, met trouble) error {
	well := t.health.answeredSince(met.since) || t.evidence.fresh.Load() > met.since.UnixNano()
	if !well && met.reached && t.evidence.given.Failing {
		well = t.probeService(ctx) == probedWell
	}
	if well && met.reached {
		if !t.evidence.othersAnswered() {
			t.log.Warn("the service fails nothing but calls of this part: its rows are at fault", "event", "rows_at_fault", "reason", met.cause)
		}
		t.evidence.fresh.Store(time.Now().UnixNano())
		return nil
	}
	return &sickError{worker: t.owner, reason: "it is not answered (" + met.cause + "), and others are", failing: met.reached}
}

// weigh decides whether what a part has met ends the job.
func (t *task) weigh(ctx context.Context, err error) error {
	if err == nil || t.parts == nil || !ofService(err) {
		return err
	}
	if ctx.Err() != nil { // the next worker meets the same, or does not
		return context.Cause(ctx)
	}
	t.evidence.trouble.Store(cli.KindOf(err).Name)
	refusals := errors.As(err, new(*batch.RefusalsError))
	var before neighbors
	for end := time.Now().Add(lookTime); ; {
		now, unseen := t.parts.others(ctx, t.evidence.info)
		switch {
		case unseen != nil: // the heartbeat sees to that
		case before != nil && now.answeredSince(before, refusals):
			return &sickError{worker: t.owner, reason: err.Error() + "; others are answered", failing: refusals}
		case now.elsewhere(t.owner).inTrouble():
			return err
		case len(now.elsewhere(t.owner)) == 0 || time.Now().After(end):
			return t.tryElsewhere(ctx, err)
		case before == nil:
			before = now
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookEvery):
		}
	}
}

// tryElsewhere has another worker meet the same before it ends the job, if there
// is one.
func (t *task) tryElsewhere(ctx context.Context, err error) error {
	if t.evidence.given.Alone || errors.As(err, new(*batch.RefusalsError)) {
		return err
	}
	there, unseen := t.parts.workers(ctx, t.evidence.info)
	for _, w := range there {
		if unseen == nil && w != t.owner {
			return &sickError{worker: t.owner, reason: err.Error() + "; another worker is to try", alone: true}
		}
	}
	return err
}

// ofService reports errors that a service makes, or the way to it.
func ofService(err error) bool {
	return errors.As(err, new(*batch.RefusedError)) || errors.As(err, new(*batch.SetupError)) ||
		errors.As(err, new(*batch.OutageError)) || errors.As(err, new(*batch.WaitError)) || errors.As(err, new(*batch.RefusalsError))
}

// handOver is the end of a try of a part that is handed on for its trouble: the
// next one learns of it, and this worker takes no more parts, unless it is
// answered: then it was the first rows, which were refused.
func (t *task) handOver(ctx context.Context, why *sickError) {
	t.evidence.left.Store(why)
	if err := t.heartbeat.record(ctx); err != nil {
		t.log.Warn("the next worker is not told why the part is handed on", "error", err)
	}
	if t.pulse.well() {
		return
	}
	t.health.fall(sickness{Reason: why.reason, probe: t.probeService, alone: t.noOther})
}

// probeService probes the service for the job.
func (t *task) probeService(ctx context.Context) probed { return t.probe(ctx, &t.request.Job) }

// noOther reports that no other worker is at a part of the round.
func (t *task) noOther(ctx context.Context) bool {
	now, err := t.parts.others(ctx, t.evidence.info)
	return err != nil || len(now.elsewhere(t.owner)) == 0
}
