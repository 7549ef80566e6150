package batch

import (
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/sink"
	"bulkonboard/source"
)

const (
	// commitEvery is how much work a resumed run may have to do again on its
	// own disk. It costs no calls: those are in the journal.
	commitEvery = time.Second

	// flushBytes is when encoded rows go to the file even though more are
	// ready.
	flushBytes = 64 << 10
)

// writer takes slots in input order, waits for each one's result and writes
// it. It is the only one that commits.
type writer struct {
	order   <-chan *slot
	ready   notifier        // rows have got their results
	settled <-chan struct{} // closed when no further result will come
	window  *semaphore.Weighted
	excerpt *source.Excerpt // of the list, in the rejects
	encoder Encoder
	commit  func(source.Position, *Totals) error
	totals  *Totals
	meter   *measure.Meter
	budget  measure.Limit
	// Counts of the runs that this one resumes.
	rowsBefore, failedBefore int64

	results *output
	rejects *output // nil when none are asked for

	customerResults *output        // nil when no customer has several rows
	records         *known.Records // nil without a ledger

	problems *known.Problems // nil: they are not compared with those of the night before
	reported *output         // of these

	past    int64 // rows that were rejected or failed before, which is not news
	monitor *measure.Monitor
	ids     *sharedIDs
	log     *slog.Logger

	told     int64 // rows that meter and monitor know of this run
	position source.Position
	dirty    bool // rows, or the headers, were written since the last commit
	all      bool // every slot of the order was answered and written
}

// run writes until the order ends or a slot stays unanswered, and commits what
// it wrote. It returns the error that ended reading, writing or the run.
func (w *writer) run() error {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for first := range w.order {
		for s := first; s != nil; s = s.next {
			if s.err != nil {
				return firstError(w.save(), s.err)
			}
			res, err := w.await(s, tick.C)
			if err != nil {
				return err
			}
			if res == nil {
				return w.save()
			}
			if err := w.write(s, res); err != nil {
				return err
			}
		}
		w.window.Release(first.weight)
		if w.totals.Rows-w.rowsBefore-w.told >= groupRows || len(w.order) == 0 {
			w.tell()
		}
	}
	w.all = true
	return w.saveAndCompareIDs()
}

// tell lets meter and monitor know of the rows that were written since the last
// time. It comes before anything that may take a while.
func (w *writer) tell() {
	if rows := w.totals.Rows - w.rowsBefore; rows > w.told {
		w.meter.Wrote(rows-w.told, time.Now())
		w.monitor.Wrote(&w.totals.Tally, w.position.Offset)
		w.told = rows
	}
}

// await gives the result of a slot. While it waits, it commits what is done. It
// gives nil when the run ended before the result came.
func (w *writer) await(s *slot, tick <-chan time.Time) (*sink.Result, error) {
	if res := s.result.Load(); res != nil {
		return res, w.commitIfDue(tick)
	}
	w.tell()
	for {
		select {
		case <-w.ready:
			if res := s.result.Load(); res != nil {
				return res, nil
			}
		case <-tick:
			if err := w.save(); err != nil {
				return nil, err
			}
		case <-w.settled:
			return s.result.Load(), nil
		}
	}
}

func (w *writer) write(s *slot, res *sink.Result) error {
	w.results.buf = w.encoder.Append(w.results.buf, s.rec, res)
	if w.rejects != nil && !res.Status.Good() {
		w.reject(s.rec)
	}
	w.keepCustomerResult(s, res)
	w.totals.Add(s.rec, res, s.doubts, w.openSince(s, res))
	if s.sent > 0 {
		w.totals.Called++
	}
	w.meter.Placed(res.ProcessedAt)
	if !s.answer.Known {
		w.records.Take(s.rec, res, s.who)
	}
	if s.answer.Past && (res.Status == sink.Rejected || res.Status == sink.Failed) {
		w.past++
	}
	w.position, w.dirty = s.rec.Next, true
	if err := checkFailures(w.budget, w.totals.Failures()-w.failedBefore-w.past, w.totals.Rows-w.rowsBefore); err != nil {
		return firstError(w.save(), err)
	}
	if err := w.shared(s, res); err != nil || len(w.results.buf) < flushBytes {
		return err
	}
	return w.flush()
}

// openSince tells when an earlier run has first reported what is wrong with a row;
// zero when it is news, or nothing is wrong.
func (w *writer) openSince(s *slot, res *sink.Result) (since time.Time) {
	if w.problems == nil || res.Status.Good() {
		return since
	}
	called := res.Attempts > 0 && !s.answer.Known
	since, w.reported.buf = w.problems.Take(s.rec, res, called, w.reported.buf)
	return since
}

// reject repeats a record.
func (w *writer) reject(rec *source.Record) {
	w.rejects.buf = w.excerpt.Append(w.rejects.buf, rec)
	w.totals.Excerpt = w.excerpt.State()
}

func (w *writer) flush() error {
	return firstError(w.results.flush(), w.rejects.flush(), w.customerResults.flush(), w.reported.flush())
}

func (w *writer) commitIfDue(tick <-chan time.Time) error {
	select {
	case <-tick:
		return w.save()
	default:
		return nil
	}
}

// save writes what is encoded and commits it.
func (w *writer) save() error {
	w.tell()
	if !w.dirty {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.dirty = false
	return w.commit(w.position, w.totals)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// takeUnwritten takes note, for the ledger, of what is left in the window when a run
// stops: results that wait for a row before them. The journal has them for
// the run that resumes this one, but another list may ask the ledger first.
func takeUnwritten(to *known.Records, order <-chan *slot) {
	if to == nil {
		return
	}
	for first := range order {
		for s := first; s != nil; s = s.next {
			if res := s.result.Load(); res != nil && !s.answer.Known {
				to.Take(s.rec, res, s.who)
			}
		}
	}
}
