package chunks

import (
	"context"

	"bulkonboard/batch"
)

// RunRest runs the part that the chunks leave: the later rows of customers that
// have rows in several chunks. Where the first row ended well, they have its
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
		begins: w.Manifest.Chunks[0].Begins, rows: w.Manifest.Rows(), share: paceShare * job.Rate, inFlight: max(1, job.Calls.MaxInFlight),
	}
	return a.run(ctx, func() error { return a.takeRest(ctx) })
}

// takeRest finds out what is left to do.
func (a *assignment) takeRest(ctx context.Context) error {
	well, err := a.leads(ctx)
	if err != nil {
		return err
	}
	left, rows := a.all.Without(func(lead int64) bool {
		return a.Manifest.spans(a.all, lead) && (a.Manifest.Job.EachRow || !well[lead])
	})
	if len(rows) == 0 {
		return nil
	}
	if a.duplicates = left; a.Manifest.Job.EachRow {
		a.duplicates = nil
	}
	if err := a.stand(ctx, restName); err != nil {
		return err
	}
	if a.known, err = a.knownOf(ctx, rows); err != nil {
		return err
	}
	a.elsewhere = func(row int64) bool { return !rows[row] }
	begins := a.Manifest.Chunks[0].Begins.Offset
	_, err = a.fetch(ctx, begins, a.Manifest.Read.Bytes-begins)
	return err
}

// spans reports whether a customer has rows in several chunks, by the row that
// leads.
func (m *Manifest) spans(d *batch.Duplicates, lead int64) bool {
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

// leads gives the rows that lead their customers and ended well, of those that
// have rows in several chunks.
func (a *assignment) leads(ctx context.Context) (map[int64]bool, error) {
	if err := a.chunksEnded(ctx); err != nil {
		return nil, err
	}
	h, err := openHistory(ctx, a.Store, a.Manifest, a.Round)
	if err != nil {
		return nil, err
	}
	byChunk := map[int][]int64{}
	for _, lead := range a.all.All() {
		if i := a.Manifest.chunkOf(lead); a.Manifest.spans(a.all, lead) {
			byChunk[i] = append(byChunk[i], lead)
		}
	}
	well := map[int64]bool{}
	for i, leads := range byChunk {
		if err := a.addLeads(ctx, h, i, leads, well); err != nil {
			return nil, err
		}
	}
	return well, nil
}

// addLeads adds those of one chunk.
func (a *assignment) addLeads(ctx context.Context, h *history, index int, leads []int64, well map[int64]bool) error {
	last, _, err := a.Manifest.part(a.Store, a.Round, chunkName(index)).done(ctx)
	if err != nil {
		return err
	}
	standing, err := h.of(ctx, chunkName(index), last, a.all)
	if err != nil {
		return err
	}
	known, err := a.Manifest.known(ctx, a.Store, index)
	if err != nil {
		return err
	}
	for _, lead := range leads {
		for _, o := range []outcomes{standing, known} {
			out, _, err := o.get(lead)
			if err != nil {
				return err
			}
			well[lead] = well[lead] || out.Result.Status.Good()
		}
	}
	return nil
}

// knownOf reads what the ledger knew of some rows.
func (a *assignment) knownOf(ctx context.Context, rows map[int64]bool) (outcomes, error) {
	all := outcomes{}
	read := map[int]bool{}
	for row := range rows {
		i := a.Manifest.chunkOf(row)
		if read[i] {
			continue
		}
		read[i] = true
		known, err := a.Manifest.known(ctx, a.Store, i)
		if err != nil {
			return nil, err
		}
		all.over(known)
	}
	return all, nil
}

// chunksEnded checks that all chunks of the round have ended.
func (a *assignment) chunksEnded(ctx context.Context) error {
	chunks := *a.Manifest
	chunks.Rest = false
	return chunks.ended(ctx, a.Store, a.Round)
}
