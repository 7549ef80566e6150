package batch

import (
	"context"
	"iter"
	"time"

	"golang.org/x/sync/semaphore"

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

	duplicates *Duplicates
	known      *Known // nil without a ledger

	order chan<- *slot
	work  chan<- *slot

	monitor *Monitor

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
			r.pass(ctx, r.order, &slot{err: err})
			return
		}
		if !r.admit(ctx, rec) {
			return
		}
	}
	r.complete = true
}

// admit puts one record into the window, blocking while it is full. It reports
// false when the run ends.
func (r *reader) admit(ctx context.Context, rec *source.Record) bool {
	s := newSlot(rec)
	s.family = r.duplicates.family(rec.Row)
	before := r.journal[rec.Row]
	delete(r.journal, rec.Row)
	if before.answered && before.print != fingerprint(rec.Raw) {
		r.pass(ctx, r.order, &slot{err: changedRow(rec)})
		return false
	}
	s.sent, s.doubts = before.attempts, before.doubts
	res, err := r.answer(s, &before)
	if err != nil {
		r.pass(ctx, r.order, &slot{err: err})
		return false
	}
	if r.window.Acquire(ctx, s.weight) != nil || !r.pass(ctx, r.order, s) {
		return false
	}
	if res != nil {
		return r.deliver(ctx, s, res)
	}
	return r.pass(ctx, r.work, s)
}

// deliver gives a row a result that needs no call. Where the customer has more
// rows, it goes by way of the dispatcher, which answers those.
func (r *reader) deliver(ctx context.Context, s *slot, res *sink.Result) bool {
	if s.family.shared() {
		s.given = res
		return r.pass(ctx, r.work, s)
	}
	s.done <- *res
	r.monitor.answer()
	return true
}

// answer gives the result of a row that needs no call, or nil: the one that an
// interrupted run received, one that the record carries already and keeps, its
// problems, or what the ledger knows.
func (r *reader) answer(s *slot, before *journalled) (*sink.Result, error) {
	if before.answered {
		return &before.result, nil
	}
	if r.earlier != nil {
		if e, err := r.earlier(s.rec); e != nil || err != nil {
			return e.of(s, err)
		}
	}
	if r.keep != nil {
		if res, ok := r.keep(s.rec); ok {
			res.Kept = true
			return &res, nil
		}
	}
	if len(s.rec.Problems) > 0 {
		res := invalid(s.rec.Problems)
		res.ProcessedAt = r.decided()
		return &res, nil
	}
	res, err := r.known.Answer(s.rec)
	s.known = res != nil
	return res, err
}

func (r *reader) pass(ctx context.Context, to chan<- *slot, s *slot) bool {
	select {
	case to <- s:
		return true
	case <-ctx.Done():
		return false
	}
}

// invalid is the result of a record that fails validation: the code of its
// first problem, and the words of all of them.
func invalid(problems []source.Problem) sink.Result {
	message := problems[0].Message
	for _, p := range problems[1:] {
		message += "; " + p.Message
	}
	return sink.Result{
		Status:       sink.Invalid,
		ErrorCode:    problems[0].Code,
		ErrorMessage: message,
	}
}
