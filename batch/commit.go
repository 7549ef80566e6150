package batch

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// What is durable when: package state has the whole order, and this the part
// between the outputs and the checkpoint.

// commit makes everything written up to a position durable: the results, then
// what the ledger is to know of them, then the checkpoint, after which the
// journal has these rows no more. A crash in between puts the same into the
// ledger once more.
func (r *run) commit(at source.Position, t *Totals) error {
	if r.records.Due() {
		if err := r.State.SyncOutputs(); err != nil {
			return err
		}
		number, err := r.records.Put(t.LedgerRun)
		if err != nil {
			return err
		}
		t.LedgerRun = number
	}
	cp, err := r.checkpoint(at, t)
	if err != nil {
		return err
	}
	start := time.Now()
	err = r.State.Commit(cp)
	r.Log.Debug("commit", "event", "commit", "rows", at.Row, "bytes", at.Offset, "took_seconds", time.Since(start).Round(time.Microsecond).Seconds())
	return err
}

func (r *run) checkpoint(at source.Position, t *Totals) (state.Checkpoint, error) {
	t.Origin, t.Ends = r.Origin, r.Ends
	t.Measures = r.meter.Measures(time.Now())
	t.Learned = math.Float64frombits(r.learned.Load())
	extra, err := json.Marshal(t)
	if err != nil {
		return state.Checkpoint{}, fmt.Errorf("encode the counts: %w", err)
	}
	return state.Checkpoint{
		Run:     r.ID,
		Binding: r.Binding.values(),
		Row:     at.Row, Line: at.Line, Offset: at.Offset, Sum: at.Sum,
		Size:      r.Size,
		Extra:     extra,
		UpdatedAt: time.Now(),
	}, nil
}
