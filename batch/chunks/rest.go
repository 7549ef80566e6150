package chunks

import (
	"context"

	"bulkonboard/batch/customers"
)

// RunRest runs the part that the chunks leave: the later rows of customers that
// have rows in several chunks. Where the first row succeeded, they have its
// answer and nothing is left to do; where it did not, they are called for, the
// next row first. All chunks of the round must have ended, or the error is a
// *NotDoneError. It may have the whole rate, since it runs alone. Otherwise it
// is like RunChunk.
func (w *Worker) RunRest(ctx context.Context) error {
	if !w.Manifest.Rest {
		return nil
	}
	job := &w.Manifest.Job
	a := &assignment{
		Worker: w, part: w.Manifest.part(w.Store, w.Round, restName),
		share: paceShare * job.Rate, inFlight: max(1, job.Calls.MaxInFlight),
	}
	chunks := w.Manifest.parts()[:len(w.Manifest.Chunks)]
	if err := w.Manifest.ended(ctx, w.Store, w.Round, chunks); err != nil {
		return because(ctx, err)
	}
	return a.run(ctx, func() error { return a.takeRest(ctx) })
}

// takeRest finds out what is left to do.
func (a *assignment) takeRest(ctx context.Context) error {
	left, err := a.left(ctx)
	if err != nil || left.Len() == 0 {
		return err
	}
	rows := func(row int64) bool { _, later := left.First(row); return later }
	a.duplicates = a.Manifest.families(left)
	a.elsewhere = func(row int64) bool { return !rows(row) }
	// The rows that lead are read, too: the others have their answers.
	first, last := left.Bounds()
	from, to := a.Manifest.chunkOf(first), a.Manifest.chunkOf(last)
	known, err := a.knownOf(ctx, from, to, rows)
	if err != nil {
		return err
	}
	if err := a.stand(ctx, restName, known); err != nil {
		return err
	}
	return a.fetchChunks(ctx, from, to)
}

// fetchChunks brings the bytes from one chunk to another here, and has the part
// begin and end with them.
func (a *assignment) fetchChunks(ctx context.Context, from, to int) error {
	begins, end := a.Manifest.Chunks[from].Begins, &a.Manifest.Chunks[to]
	a.begins, a.rows = begins, end.last()-begins.Row
	if err := a.fetch(ctx, begins.Offset, end.Begins.Offset+end.Bytes-begins.Offset); err != nil {
		return err
	}
	for i := from; i <= to; i++ {
		if err := a.verify(i, a.Manifest.Chunks[i].Begins.Offset-begins.Offset); err != nil {
			return err
		}
	}
	return nil
}

// left gives the customers of whom rows are left, all but the first: those that
// have rows in several chunks and failed in the first. What became of
// that is kept, because it counts for the others.
func (a *assignment) left(ctx context.Context) (*customers.Duplicates, error) {
	l := &leads{assignment: a, chunk: -1}
	var err error
	if l.history, err = openHistory(ctx, a.Store, a.Manifest, a.Round, a.all); err != nil {
		return nil, err
	}
	a.leads = outcomes{}
	left := a.all.Led(func(lead int64) bool {
		if l.err != nil || !a.Manifest.spans(a.all, lead) {
			return false
		}
		return a.Manifest.Job.EachRow || !l.well(ctx, lead)
	})
	return left, l.err
}

// spans reports whether a customer has rows in several chunks, by the row that
// leads.
func (m *Manifest) spans(d *customers.Duplicates, lead int64) bool {
	last, leads := d.Last(lead)
	return leads && m.chunkOf(last) != m.chunkOf(lead)
}

// chunkOf is the chunk that a row is in.
func (m *Manifest) chunkOf(row int64) int {
	low, high := 0, len(m.Chunks)
	for low+1 < high {
		if middle := (low + high) / 2; m.Chunks[middle].Begins.Row < row {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// leads tells how the rows ended that lead their customers. It is asked in the
// order of the list, and holds what stands of one chunk.
type leads struct {
	*assignment
	history  *history
	chunk    int
	standing outcomes
	err      error
}

// well reports whether a row succeeded.
func (l *leads) well(ctx context.Context, lead int64) bool {
	if i := l.Manifest.chunkOf(lead); i != l.chunk {
		if _, l.standing, l.err = l.history.chunk(ctx, i); l.err != nil {
			return false
		}
		l.chunk = i
	}
	out, _, err := l.standing.get(lead)
	if err != nil {
		l.err = err
	}
	if out.Result.Status.Good() {
		return true
	}
	l.leads[lead] = l.standing[lead]
	return false
}

// knownOf reads what the ledger knew of some rows, from one chunk to another.
func (a *assignment) knownOf(ctx context.Context, from, to int, rows func(int64) bool) (outcomes, error) {
	of := outcomes{}
	for i := from; i <= to; i++ {
		known, err := a.Manifest.known(ctx, a.Store, i)
		if err != nil {
			return nil, err
		}
		for row, payload := range known {
			if rows(row) {
				of[row] = payload
			}
		}
	}
	return of, nil
}
