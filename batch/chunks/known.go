package chunks

import (
	"context"

	"bulkonboard/batch"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// knownChunk gathers what the ledger knows of the rows of one chunk.
type knownChunk struct {
	*plan
	index   int
	rows    int64
	entries []byte
	payload []byte
}

// see takes the next record of the list.
func (k *knownChunk) see(ctx context.Context, rec *source.Record) error {
	for rec.Row > k.m.Chunks[k.index].last() {
		if err := k.put(ctx); err != nil {
			return err
		}
		k.index++
	}
	if len(rec.Problems) > 0 {
		return nil
	}
	a, err := k.answers.Answer(rec)
	if a.Result == nil || err != nil {
		return err
	}
	k.rows++
	k.payload = batch.AppendJournalResult(k.payload[:0], rec, a.Result)
	k.entries = appendEntry(k.entries, state.Result, rec.Row, k.payload)
	return nil
}

// put puts what was gathered into the store.
func (k *knownChunk) put(ctx context.Context) error {
	if k.rows == 0 {
		return nil
	}
	b, err := newSegment(head{Rows: k.rows})
	if err != nil {
		return err
	}
	b = sealed(append(b, k.entries...))
	if err := k.plan.put(ctx, k.m.knownName(k.index), b); err != nil {
		return err
	}
	k.m.Chunks[k.index].Known = k.rows
	k.rows, k.entries = 0, k.entries[:0]
	return nil
}
