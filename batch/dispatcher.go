package batch

import (
	"container/heap"
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
)

// firstDelay is the mean wait before a row's second attempt.
const firstDelay = 250 * time.Millisecond

// dispatcher decides which row is sent next and when, and what each answer
// means. It is one goroutine, so the pace, the retries and the customers under
// way need no lock.
type dispatcher struct {
	pace        *pace.Controller
	maxAttempts int
	maxBackoff  time.Duration
	formID      string

	work    <-chan *slot   // owned by the reader; nil once it is closed
	answers <-chan attempt // room for every call in flight
	journal chan<- entry   // owned by the dispatcher
	stop    context.CancelCauseFunc

	waiting    retries
	underWay   map[string][]*slot // customer → later rows of the same customer, in order
	inFlight   int
	recognised bool
}

// run sends until every row has its result, or until ctx is done and the last
// call in flight has come back.
func (d *dispatcher) run(ctx context.Context) {
	defer close(d.journal)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil && !d.idle() {
		work, wakeAt := d.sendReady(time.Now())
		if !wakeAt.IsZero() {
			timer.Reset(time.Until(wakeAt))
		}
		select {
		case s, ok := <-work:
			d.received(s, ok)
		case a := <-d.answers:
			d.answered(a)
		case <-timer.C:
		case <-ctx.Done():
		}
		d.answeredMeanwhile()
	}
	for d.inFlight > 0 {
		d.answered(<-d.answers)
	}
}

// idle reports that nothing is left to do.
func (d *dispatcher) idle() bool {
	return d.work == nil && d.inFlight == 0 && len(d.waiting) == 0
}

// sendReady sends waiting rows as long as the pace allows. It returns the
// channel to take a new row from, nil while none may be sent, and the time at
// which to look again, zero when only an answer or a new row can change
// anything.
func (d *dispatcher) sendReady(now time.Time) (work <-chan *slot, wakeAt time.Time) {
	for {
		v := d.pace.Next(now, d.inFlight)
		if !v.Send {
			return nil, v.At
		}
		if s := d.nextRetry(now); s != nil {
			d.send(s, now)
			continue
		}
		if len(d.waiting) > 0 {
			wakeAt = d.waiting[0].readyAt
		}
		return d.work, wakeAt
	}
}

// nextRetry takes the row whose next attempt is due.
func (d *dispatcher) nextRetry(now time.Time) *slot {
	if len(d.waiting) > 0 && !d.waiting[0].readyAt.After(now) {
		return heap.Pop(&d.waiting).(*slot)
	}
	return nil
}

// received takes a new row from the reader and sends it.
func (d *dispatcher) received(s *slot, ok bool) {
	if !ok {
		d.work = nil
	} else if d.first(s) {
		d.send(s, time.Now())
	}
}

// first reports whether no other row of this customer is under way. If one is,
// the row waits for it: two records of one customer are never in flight
// together.
func (d *dispatcher) first(s *slot) bool {
	s.customer = customerOf(s.rec, d.formID)
	later, busy := d.underWay[s.customer]
	if busy {
		later = append(later, s)
	}
	d.underWay[s.customer] = later
	return !busy
}

func (d *dispatcher) send(s *slot, now time.Time) {
	s.sent++
	d.inFlight++
	d.pace.Sent(now)
	d.journal <- entry{kind: intent, slot: s, attempt: s.sent}
}

// answeredMeanwhile takes the answers that are already there, so that a batch
// of them costs one look at the pace.
func (d *dispatcher) answeredMeanwhile() {
	for range len(d.answers) {
		d.answered(<-d.answers)
	}
}

func (d *dispatcher) answered(a attempt) {
	now := time.Now()
	d.inFlight--
	s, answer := a.slot, &a.answer
	d.recognised = d.recognised || answer.Recognised
	charge := d.pace.Answered(now, signalOf(answer))
	if charge {
		s.charged++
	}
	switch v := judge(answer, d.recognised); {
	case v == unsent:
	case v == stopRun:
		d.journal <- entry{kind: ended, slot: s, attempt: s.sent}
		d.stop(&RefusedError{Row: s.rec.Row, Outcome: answer.Outcome, Code: answer.Code, Message: answer.Message})
	case v == finished || s.charged >= d.maxAttempts:
		d.finish(s, resultOf(s, answer, now))
	default:
		d.journal <- entry{kind: ended, slot: s, attempt: s.sent}
		d.later(s, answer, now)
	}
}

// finish hands a result on by way of the journal, and lets the next row of the
// same customer go.
func (d *dispatcher) finish(s *slot, res sink.Result) {
	d.journal <- entry{kind: outcome, slot: s, attempt: s.sent, result: res}
	later := d.underWay[s.customer]
	if len(later) == 0 {
		delete(d.underWay, s.customer)
		return
	}
	d.underWay[s.customer] = later[1:]
	heap.Push(&d.waiting, later[0])
}

// later puts a row among the waiting with exponential backoff and full jitter:
// uniform between zero and a bound that doubles from half a second up to the
// largest delay. A throttled row was not processed and is not at fault: it
// goes first once the pace allows.
func (d *dispatcher) later(s *slot, a *session.Answer, now time.Time) {
	if a.Outcome == session.Throttled {
		s.readyAt = now
		heap.Push(&d.waiting, s)
		return
	}
	if s.delays == nil {
		s.delays = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(min(firstDelay, d.maxBackoff/2)),
			backoff.WithRandomizationFactor(1),
			backoff.WithMultiplier(2),
			backoff.WithMaxInterval(d.maxBackoff/2),
			backoff.WithMaxElapsedTime(0),
		)
	}
	s.readyAt = now.Add(s.delays.NextBackOff())
	heap.Push(&d.waiting, s)
}
