package batch

import (
	"context"
	"iter"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// reader turns records into slots. It owns the order and the work channels and
// closes both. Records that need no call are answered here and pass through
// the same window as the others.
type reader struct {
	records iter.Seq2[*source.Record, error]
	journal map[int64]journalled // what an interrupted run knew of the rows ahead
	keep    func(*source.Record) (sink.Result, bool)
	earlier func(*source.Record) (*Earlier, error)
	decided func() time.Time
	window  *semaphore.Weighted

	duplicates *customers.Duplicates
	answers    *known.Answers // nil without a ledger

	order chan<- *slot
	work  chan<- *slot

	backpressure *backpressure // told of by the reader

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
	var before journalled
	if len(r.journal) > 0 {
		before = r.journal[rec.Row]
		delete(r.journal, rec.Row)
	}
	if before.answered && before.print != rec.Fingerprint() {
		return r.fail(ctx, rec.Changed())
	}
	s.sent, s.doubts, s.blame = before.attempts, before.doubts, pace.Charged(before.charged)
	var err error
	if s.given, err = r.answer(s, &before); err != nil {
		return r.fail(ctx, err)
	}
	r.group.add(s)
	if s.given != nil && !s.family.Shared() {
		s.result.Store(s.given)
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

// flush puts the chain into the window. When that was full of rows that need no
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

// enter puts the first slot of a chain into the window, and waits while that is
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

// answer gives the result of a row that needs no call, or nil: the one that an
// interrupted run received, one that the record carries already and keeps, its
// problems, or what the ledger knows.
func (r *reader) answer(s *slot, before *journalled) (*sink.Result, error) {
	known, key, err := r.answers.Of(s.rec)
	if err != nil {
		return nil, err
	}
	s.key = key
	if known != nil && known.Status.Good() && !s.family.Shared() && !before.answered && r.earlier == nil && r.keep == nil {
		s.known = true
		return known, nil // by its bytes alone
	}
	s.rec.Decode()
	if before.answered {
		res := before.result // the rest of it need not outlive the row
		return &res, nil
	}
	if r.earlier != nil {
		if e, err := r.earlier(s.rec); e != nil || err != nil {
			return e.of(s, err)
		}
	}
	if r.keep != nil {
		res, ok := r.keep(s.rec)
		if ok {
			res.Kept = true
			return &res, nil
		}
		s.remember(&res)
	}
	if len(s.rec.Problems) > 0 {
		res := sink.InvalidFor(s.rec.Problems)
		res.ProcessedAt = r.decided()
		return &res, nil
	}
	s.known = known != nil
	return known, nil
}

func (r *reader) pass(ctx context.Context, to chan<- *slot, s *slot) bool {
	select {
	case to <- s:
		return true
	case <-ctx.Done():
		return false
	}
}
