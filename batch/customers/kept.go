package customers

import (
	"context"
	"time"

	"github.com/cespare/xxhash/v2"

	"bulkonboard/batch/answers"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// KeptResults are the session ids that rows which are kept have for customers
// whose first row is not kept: in a retry, one that failed above one that
// succeeded. They are few. Nil has none.
type KeptResults struct {
	given      map[int64]Result // by the row that leads
	duplicates *Duplicates
	formID     string // for records that carry none
}

// looksEvery is how many rows go between two looks at the context.
const looksEvery = 4096

// ReadKept reads a list for them.
func ReadKept(ctx context.Context, list *source.List, keep func(*source.Record) (sink.Result, bool), d *Duplicates, formID string) (*KeptResults, error) {
	k := &KeptResults{given: map[int64]Result{}, duplicates: d, formID: formID}
	sent := map[int64]bool{} // rows that lead and would be
	for rec, err := range list.Lent() {
		if err != nil {
			return nil, err
		}
		if rec.Row%looksEvery == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f := d.Family(rec.Row)
		if !f.Shared() {
			continue
		}
		res, kept := keep(rec)
		switch {
		case !kept && rec.Row == f.Lead:
			sent[f.Lead] = true
		case kept && res.Status.Good() && sent[f.Lead]:
			k.take(f.Lead, &res, rec)
		}
	}
	return k, nil
}

// take takes the first row that is kept.
func (k *KeptResults) take(lead int64, res *sink.Result, rec *source.Record) {
	if _, known := k.given[lead]; !known {
		k.given[lead] = Result{row: rec.Row, sessionID: res.SessionID, print: xxhash.Sum64String(rec.Identity(k.formID))}
	}
}

// Leads counts the rows that are answered by a later one and not called.
func (k *KeptResults) Leads() int64 {
	if k == nil {
		return 0
	}
	return int64(len(k.given))
}

// Answer implements answers.Source: each row of such a customer that does not
// stay is a duplicate of the row that does.
func (k *KeptResults) Answer(rec *source.Record) (answers.Answer, error) {
	a, known := k.given[k.duplicates.Family(rec.Row).Lead]
	if !known {
		return answers.Answer{}, nil
	}
	rec.Decode()
	res, err := a.Success(rec, rec.Identity(k.formID), time.Now)
	return answers.Answer{Result: res, Print: rec.Fingerprint()}, err
}
