package batch

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// untried reports whether a row is left that was never tried, and may be. Where a wave is
// used up there is none, as at the end of a list.
func (d *dispatcher) untried() bool {
	return !d.wave.usedUp() && (d.queue.untried > 0 || d.coming())
}

// coming reports whether rows may still come from the reader.
func (d *dispatcher) coming() bool {
	return d.work != nil && (!d.backpressure.on.Load() || len(d.work) > 0)
}

// nextRow takes the row to send next. For a trial that is one that was never tried, if
// there is one, at random: rows that failed, and their neighbors in the list, say little of
// the service. Otherwise it is a row whose next attempt is due or one that comes,
// by lot: neither kind keeps the other from being sent, and a service that refuses every
// other call does not refuse one kind alone.
func (d *dispatcher) nextRow(now time.Time, trial, scatter bool) *slot {
	for ; (trial || scatter) && d.atHand > 0; d.atHand-- {
		d.received(<-d.work, true)
	}
	if trial {
		if s := d.queue.random(); s != nil {
			return s
		}
	}
	due := len(d.waiting) > 0 && !d.waiting[0].readyAt.After(now)
	if due && rand.IntN(2) == 0 { //nolint:gosec // whose turn it is is not a secret
		return heap.Pop(&d.waiting).(*slot)
	}
	for d.queue.left == 0 && d.atHand > 0 {
		d.atHand--
		d.received(<-d.work, true)
	}
	if scatter {
		if s := d.queue.random(); s != nil {
			return s
		}
	}
	if s := d.nextInOrder(); s != nil {
		return s
	}
	if due {
		return heap.Pop(&d.waiting).(*slot)
	}
	return nil
}

// nextInOrder takes the row that comes next in the list and needs a call.
func (d *dispatcher) nextInOrder() *slot {
	for {
		s := d.queue.first()
		if s == nil || s.answer.Result == nil {
			return s
		}
		d.give(s)
	}
}

// received takes a new row from the reader. The rows of a customer keep their
// order, so one that has its result already waits for those before it.
func (d *dispatcher) received(s *slot, ok bool) {
	if !ok {
		d.work = nil
		return
	}
	s.customer = s.rec.Identity(d.formID)
	if s.answer.Result != nil && d.queue.left == 0 {
		d.give(s)
		return
	}
	d.queue.add(s)
}

// give lets a row have the result that it came with, unless an earlier row of
// its customer has answered it: then it is a duplicate, whatever the ledger
// knows.
func (d *dispatcher) give(s *slot) {
	if s.answer.Known && d.answerDuplicate(s) {
		return
	}
	d.rememberResult(s, s.answer.Result)
	s.result.Store(s.answer.Result)
	d.monitor.Answer()
	d.ready.notify()
}
