package batch

import (
	"strings"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// records puts down in the ledger what became of customers. It is used by one
// goroutine, in a run by the writer.
type records struct {
	*Known
	hasher  *ledger.Hasher
	pending ledger.News
	forms   map[string]bool // that the ledger has been told of, or is about to
}

func newRecords(k *Known, began time.Time) *records {
	if k == nil {
		return nil
	}
	return &records{Known: k, hasher: k.Ledger.Hasher(), pending: ledger.News{Began: began}, forms: map[string]bool{}}
}

// take takes a result that came of a call.
func (r *records) take(rec *source.Record, res *sink.Result) {
	if r == nil || res.Kept {
		return
	}
	e := ledger.Entry{At: res.ProcessedAt}
	switch res.Status {
	case sink.OK:
		e.Outcome, e.SessionID = ledger.OK, res.SessionID
	case sink.Rejected:
		e.Outcome, e.Code, e.Message = ledger.Rejected, res.ErrorCode, res.ErrorMessage
	case sink.Failed:
		e.Outcome = ledger.Failed
	default:
		return
	}
	var key ledger.Key
	key, e.Digest = r.hashWith(r.hasher, rec)
	r.pending.Changes = append(r.pending.Changes, ledger.Change{Key: key, Entry: e})
	if form := formOf(&rec.Customer, r.FormID); !r.forms[form] {
		r.forms[form] = true
		r.pending.Forms = append(r.pending.Forms, ledger.Form{Tenant: r.Tenant, ID: strings.TrimSpace(form)})
	}
}

// due reports whether there is anything to put.
func (r *records) due() bool { return r != nil && len(r.pending.Changes) > 0 }

// put makes what was taken durable. A crash right after it finds the same
// answers in the journal, and puts them once more.
func (r *records) put(t *Tally) error {
	r.pending.Run = t.LedgerRun
	if err := r.Ledger.Put(&r.pending); err != nil {
		return err
	}
	t.LedgerRun = r.pending.Run
	r.done()
	return nil
}

func (r *records) done() { r.pending.Changes, r.pending.Forms = r.pending.Changes[:0], nil }

// importBatch is how many customers of an earlier results file are put down at
// once.
const importBatch = 10_000

// Import puts the results of an earlier run down in a ledger. It is used by one
// goroutine.
type Import struct {
	records *records
	Taken   int64 // results that are put down by Flush
}

// Import begins to put earlier results down.
func (k *Known) Import() *Import { return &Import{records: newRecords(k, time.Time{})} }

// Take takes one result. Those that came of no call are passed over.
func (i *Import) Take(rec *source.Record, res *sink.Result) error {
	before := len(i.records.pending.Changes)
	i.records.take(rec, res)
	if len(i.records.pending.Changes) > before {
		i.Taken++
	}
	if before < importBatch {
		return nil
	}
	return i.Flush()
}

// Flush makes durable what was taken.
func (i *Import) Flush() error {
	if err := i.records.Ledger.Import(&i.records.pending); err != nil {
		return err
	}
	i.records.done()
	return nil
}
