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

func newRecords(k *Known, runID string, began time.Time) *records {
	if k == nil {
		return nil
	}
	return &records{Known: k, hasher: k.Ledger.Hasher(k.Owner), pending: ledger.News{RunID: runID, Began: began}, forms: map[string]bool{}}
}

// take takes a result that came of a call, in this run or before.
func (r *records) take(rec *source.Record, res *sink.Result) {
	if r == nil || res.Kept || res.Status == sink.Duplicate || res.Status == sink.Invalid {
		return
	}
	var e ledger.Entry
	key, digest := r.hash(r.hasher, rec, rec.AppendIdentity(nil, r.FormID))
	sent := ledger.Sent{At: res.ProcessedAt.Truncate(time.Millisecond), Digest: digest} // as the ledger has it
	switch res.Status {
	case sink.OK, sink.Known:
		e.Session = ledger.Session{Sent: sent, ID: res.SessionID, Expires: res.Expires}
	case sink.Rejected:
		e.Refusal = ledger.Refusal{Sent: sent, Outcome: ledger.Rejected, Code: res.ErrorCode, Message: res.ErrorMessage}
	default:
		e.Refusal = ledger.Refusal{Sent: sent, Outcome: ledger.Failed}
	}
	r.pending.Changes = append(r.pending.Changes, ledger.Change{Key: key, Entry: e})
	if form := rec.Customer.Form(r.FormID); !r.forms[form] {
		r.forms[form] = true
		r.pending.Forms = append(r.pending.Forms, ledger.Form{Scope: r.hasher.Scope(), Tenant: r.Tenant, ID: strings.TrimSpace(form)})
	}
}

// due reports whether there is anything to put.
func (r *records) due() bool { return r != nil && len(r.pending.Changes) > 0 }

// put makes what was taken durable for a run that has this number in the ledger,
// zero when it has none yet, and gives the number it has then. A crash right
// after it finds the same answers in the journal, and puts them once more.
func (r *records) put(run uint64) (uint64, error) {
	r.pending.Run = run
	if err := r.Ledger.Put(&r.pending); err != nil {
		return run, err
	}
	r.pending.Changes, r.pending.Forms = r.pending.Changes[:0], nil
	return r.pending.Run, nil
}
