package batch

import (
	"container/heap"
	"context"
	"log/slog"
	"runtime"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

const (
	// watchEvery is how often the pace is shown while there is always
	// something to send.
	watchEvery = 100 * time.Millisecond
)

// dispatcher decides which row is sent next and when, and what each answer
// means. It is one goroutine, so the pace, the retries and the customers under
// way need no lock.
type dispatcher struct {
	pace        *pace.Controller
	changes     paceLog
	maxAttempts int
	maxBackoff  time.Duration
	formID      string

	work         <-chan *slot   // owned by the reader; nil once it is closed
	backpressure *backpressure  // set by the reader
	replies      <-chan attempt // room for every call in flight
	journal      chan<- entry   // owned by the dispatcher
	ready        notifier       // rows have got their results
	stop         context.CancelCauseFunc
	decided      func() time.Time
	watch        func(now time.Time, s pace.Snapshot, inFlight int, draining bool)
	others       func() bool // of the job are answered; nil: there are none
	meter        *measure.Meter
	log          *slog.Logger
	logAttempts  bool
	monitor      *measure.Monitor

	queue      queue
	atHand     int // rows of work to take in now: those that come meanwhile wait until replies have had their turn
	waiting    retries
	undecided  []undecidedRow
	underWay   *underWay
	refusals   *refusals
	setup      setupCheck
	wrong      wrongReplies
	access     access
	wave       *callsLeft // nil: no limit
	inFlight   int
	sends      int64 // of this start
	recognised bool  // the API itself has answered
	proven     bool  // it has answered a call as it should
	toldOdd    bool
	watched    time.Time
}

// run sends until every row has its result, or until ctx is done and the last
// call in flight has come back.
func (d *dispatcher) run(ctx context.Context) {
	defer close(d.journal)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	asking, stopAsking := context.WithCancel(ctx)
	for ctx.Err() == nil && !d.idle() {
		now := time.Now()
		work, wakeAt := d.sendReady(ctx, now)
		if d.decideUndecided(now) || d.idle() { // rows may have got their results
			continue
		}
		if at := d.askAccess(asking, now); !at.IsZero() && (wakeAt.IsZero() || at.Before(wakeAt)) {
			wakeAt = at
		}
		if now.Sub(d.watched) >= watchEvery || len(work) == 0 && len(d.replies) == 0 {
			d.show(now, false)
		}
		if !wakeAt.IsZero() {
			timer.Reset(time.Until(wakeAt))
		}
		select {
		case s, ok := <-work:
			d.received(s, ok)
		case a := <-d.replies:
			runtime.Gosched() // others are on their way: together they cost one write of the journal
			d.replied(a, time.Now())
		case said := <-d.access.answer:
			d.heard(said, time.Now())
		case <-d.backpressure.changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		d.repliedMeanwhile(time.Now())
	}
	stopAsking()
	if end := d.wave.end(); end != nil && ctx.Err() == nil {
		d.stop(end)
	}
	for d.inFlight > 0 {
		d.show(time.Now(), true)
		d.replied(<-d.replies, time.Now())
	}
	d.access.end()
	d.decideUndecided(time.Now())
	d.record()
	d.show(time.Now(), ctx.Err() != nil)
}

// record puts on record which attempts counted against rows that were not finished, so
// that the next start continues from there.
func (d *dispatcher) record() {
	for _, s := range d.waiting {
		d.ended(s)
	}
	for _, row := range d.undecided {
		d.ended(row.slot)
	}
	if d.refusals != nil && !d.refusals.over { // not found out yet: the next start does
		d.takeBack()
	}
}

// ended puts on record that an attempt for a row came back without a result.
func (d *dispatcher) ended(s *slot) {
	d.journal <- entry{kind: state.Ended, slot: s, attempt: s.sent, charged: s.blame.Charged()}
}

// idle reports that nothing is left to do. Where nothing is under way, and no
// row comes until those are written whose results are withheld, these are
// accepted: there is nothing to compare them with.
func (d *dispatcher) idle() bool {
	if d.inFlight > 0 || len(d.waiting) > 0 || len(d.undecided) > 0 || d.queue.left > 0 || d.setup.active() || d.coming() {
		return false
	}
	d.takeEffect(d.refusals.accept())
	return d.work == nil || d.wave.end() != nil
}

// sendReady sends what there is to send, as long as the pace allows. It returns
// the channel to take a new row from, nil while none may be sent, and the time
// at which to look again, zero when only an answer or a new row can change
// anything. While nothing but trials is sent, rows are taken in all the same:
// a trial is for any of them.
func (d *dispatcher) sendReady(ctx context.Context, now time.Time) (work <-chan *slot, wakeAt time.Time) {
	d.atHand = len(d.work)
	if d.others != nil && d.others() {
		d.proven = true
		d.pace.OthersAnswered(now)
	}
	for {
		v := d.pace.Next(now, d.inFlight, d.untried())
		if v.End != pace.GoesOn {
			d.stop(endError(v.End, d.pace.Snapshot(now)))
		}
		if closed, work, wakeAt := d.closed(now, &v); closed {
			return work, wakeAt
		}
		if ctx.Err() != nil {
			d.atHand = 0
		}
		if d.setup.waits || d.setup.enough() && !d.untried() {
			return d.work, d.noOtherLeft(now)
		}
		s := d.nextRow(now, v.Trial || d.setup.active(), v.Scatter)
		switch {
		case s != nil:
			d.begin(s, now)
		case len(d.waiting) > 0:
			return d.work, d.waiting[0].readyAt
		case len(d.undecided) > 0:
			return d.work, time.Time{}
		case d.setup.active() && !d.coming():
			return d.work, d.noOtherLeft(now)
		case d.wave.end() != nil && d.inFlight == 0 && !d.coming():
			return d.work, now // that may have been all
		default:
			return d.work, time.Time{}
		}
	}
}

// closed reports that nothing may be sent now, by the pace or because the reply to
// another row decides; with what sendReady gives then.
func (d *dispatcher) closed(now time.Time, v *pace.Decision) (closed bool, work <-chan *slot, wakeAt time.Time) {
	switch {
	case !v.Send && (d.pace.Blocked() || d.queue.untried == 0): // whether a row is left that was never tried has to be known
		return true, d.work, v.At
	case !v.Send:
		return true, nil, v.At
	case d.setup.active() && d.setup.probe != nil:
		return true, d.work, time.Time{}
	case d.setup.active():
		until, yes := d.looking(now)
		return yes, d.work, until
	}
	return false, nil, time.Time{}
}

// show lets the run see how the pace stands: from time to time, and always
// before the dispatcher waits, so that what is seen of a waiting one is true.
func (d *dispatcher) show(now time.Time, draining bool) {
	d.watched = now
	d.watch(now, d.pace.Snapshot(now), d.inFlight, draining)
}

// begin sends a row unless its customer is dealt with already or under way.
func (d *dispatcher) begin(s *slot, now time.Time) {
	if !s.began {
		s.began = true
		// While another row of the customer is under way, what becomes of that
		// counts, and the row waits.
		if !d.underWay.busy(s) && d.answerDuplicate(s) || !d.underWay.enter(s) {
			return
		}
	}
	if d.wave.takes(s) {
		d.send(s, now)
	}
}

// answerDuplicate gives a row the result of an earlier row of its customer, if
// there is one.
func (d *dispatcher) answerDuplicate(s *slot) bool {
	res, err := d.underWay.resultFor(s, d.decided)
	if err != nil {
		d.stop(err)
		return true
	}
	if res == nil {
		return false
	}
	e := entry{kind: state.Result, slot: s, attempt: s.sent, result: res}
	d.refusals.withhold(&e)
	d.journal <- e
	return true
}

// rememberResult lets the later rows of a customer know of a result.
func (d *dispatcher) rememberResult(s *slot, res *sink.Result) {
	if err := d.underWay.remember(s, res); err != nil {
		d.stop(err)
	}
}

func (d *dispatcher) send(s *slot, now time.Time) {
	s.sent++
	d.sends++
	s.number = d.sends
	d.inFlight++
	if d.setup.active() {
		d.setup.probe = s
	}
	s.ticket = d.pace.Sent(now)
	d.journal <- entry{kind: state.Intent, slot: s, attempt: s.sent}
}

// finish hands a result on by way of the journal, and deals with the rows of
// the same customer that waited for it.
func (d *dispatcher) finish(s *slot, res *sink.Result) {
	if d.refusals.covers(res) {
		d.ended(s)
		return
	}
	e := entry{kind: state.Result, slot: s, attempt: s.sent, result: res}
	accepted, wrong := d.refusals.check(&e)
	d.journal <- e
	d.takeEffect(accepted)
	if wrong != nil {
		d.takeBack()
		d.stop(wrong)
		return
	}
	d.rememberResult(s, res)
	for next := d.underWay.leave(s); next != nil; next = d.underWay.leave(next) {
		if !d.answerDuplicate(next) {
			if d.wave.takes(next) {
				heap.Push(&d.waiting, next)
			}
			return
		}
	}
}

// takeEffect lets results take effect that were withheld.
func (d *dispatcher) takeEffect(entries []entry) {
	for _, e := range entries {
		d.journal <- entry{kind: effective, slot: e.slot, result: e.result}
	}
}

// takeBack makes rows unprocessed whose results were withheld.
func (d *dispatcher) takeBack() {
	for _, e := range d.refusals.withheld {
		d.journal <- entry{kind: state.Ended, slot: e.slot, attempt: e.attempt}
	}
}
