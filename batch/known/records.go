package known

import (
	"encoding/binary"
	"strings"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Records puts down in the ledger what became of customers. It is used by one
// goroutine, in a run by the writer.
type Records struct {
	*Known
	hasher  *ledger.Hasher
	pending ledger.News
	forms   map[string]bool // that the ledger has been told of, or is about to
}

// NewRecords begins to take what a run brings, which began at a time. It is nil
// without a ledger, and takes nothing then.
func NewRecords(k *Known, runID string, began time.Time) *Records {
	if k == nil {
		return nil
	}
	return &Records{Known: k, hasher: k.Ledger.Hasher(k.Owner), pending: ledger.News{RunID: runID, Began: began}, forms: map[string]bool{}}
}

// Take takes a result that came of a call, in this run or before.
func (r *Records) Take(rec *source.Record, res *sink.Result) {
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

// Due reports whether there is anything to put.
func (r *Records) Due() bool { return r != nil && len(r.pending.Changes) > 0 }

// Put makes what was taken durable for a run that has this number in the ledger,
// zero when it has none yet, and gives the number it has then. A crash right
// after it finds the same answers in the journal, and puts them once more.
func (r *Records) Put(run uint64) (uint64, error) {
	r.pending.Run = run
	if err := r.Ledger.Put(&r.pending); err != nil {
		return run, err
	}
	r.pending.Changes, r.pending.Forms = r.pending.Changes[:0], nil
	return r.pending.Run, nil
}

// ShortKey is the beginning of the key that the ledger has for a customer.
func (r *Records) ShortKey(customer string) uint32 {
	return ShortKey(r.hasher.Customer(r.Tenant, []byte(customer)))
}

// ShortKey is the beginning of a key, and never zero.
func ShortKey(k ledger.Key) uint32 { return max(1, binary.LittleEndian.Uint32(k[:])) }
