package batch

import (
	"context"
	"iter"
	"runtime"

	"golang.org/x/sync/semaphore"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/measure"
	"bulkonboard/source"
)

// reader turns records into slots. It owns the order and the work channels and
// closes both. Records that need no call are answered here and pass through
// the same window as the others.
type reader struct {
	records  iter.Seq2[*source.Record, error]
	leftover leftover
	answers  answers.Chain
	window   *semaphore.Weighted

	duplicates *customers.Duplicates

	order chan<- *slot
	work  chan<- *slot

	backpressure *backpressure // set by the reader

	monitor *measure.Monitor

	group group // that is still to go into the order

	// complete is set when the list was read to its end. It may be read once
	// order is closed.
	complete bool
}

// run reads until the list ends or ctx is done. A read error is not returned:
// it travels in order, as the last slot, so that everything before it is
// committed first.
func (r *reader) run(ctx context.Context) {
	defer close(r.order)
	defer close(r.work)
	for rec, err := range r.records {
		if err != nil {
			r.fail(ctx, err)
			return
		}
		if !r.admit(ctx, rec) {
			return
		}
	}
	r.complete = r.flush(ctx)
}

// admit puts one record into the window, blocking while it is full. It reports
// false when the run ends.
func (r *reader) admit(ctx context.Context, rec *source.Record) bool {
	s := newSlot(rec)
	s.family = r.duplicates.Family(rec.Row)
	r.leftover.restore(s)
	if err := r.answer(s); err != nil {
		return r.fail(ctx, err)
	}
	r.group.add(s)
	if s.answer.Result != nil && !s.family.Shared() {
		s.result.Store(s.answer.Result)
		r.monitor.Answer()
		return !r.group.full() || r.flush(ctx)
	}
	// Where a customer with a result has more rows, it goes by way of the
	// dispatcher, which answers those.
	return r.flush(ctx) && r.pass(ctx, r.work, s)
}

// fail has an error travel in order, behind the rows before it.
func (r *reader) fail(ctx context.Context, err error) bool {
	if r.flush(ctx) {
		r.pass(ctx, r.order, &slot{err: err})
	}
	return false
}

// flush puts the group into the window. When that was full of rows that need no
// call, the writer has its turn, while they are still at hand: on one processor
// the reader would fill the whole window first, and memory with it.
func (r *reader) flush(ctx context.Context) bool {
	first := r.group.first
	if first == nil {
		return true
	}
	full := r.group.full()
	r.group = group{}
	first.weight = min(first.weight, windowBytes)
	if !r.enter(ctx, first) {
		return false
	}
	if full {
		runtime.Gosched()
	}
	return true
}

// enter puts the first slot of a group into the window, and waits while that is
// full.
func (r *reader) enter(ctx context.Context, first *slot) bool {
	if r.window.TryAcquire(first.weight) {
		select {
		case r.order <- first:
			return true
		default:
			r.backpressure.begin()
			defer r.backpressure.end()
			return r.pass(ctx, r.order, first)
		}
	}
	r.backpressure.begin()
	defer r.backpressure.end()
	return r.window.Acquire(ctx, first.weight) == nil && r.pass(ctx, r.order, first)
}

// answer asks for the result of a row that needs no call. A row whose result is
// a session id of the ledger stays as it was read, unless others of its customer
// take the result: its fields are not looked at.
func (r *reader) answer(s *slot) (err error) {
	if s.answer, err = r.answers.Answer(s.rec); err != nil {
		return err
	}
	s.remember(s.answer.Before)
	a := &s.answer
	if a.Result == nil || !a.Result.Status.Good() || a.Key == 0 || s.family.Shared() {
		s.rec.Decode()
	}
	return nil
}

func (r *reader) pass(ctx context.Context, to chan<- *slot, s *slot) bool {
	select {
	case to <- s:
		return true
	case <-ctx.Done():
		return false
	}
}
