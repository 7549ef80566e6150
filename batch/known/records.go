package known

import (
	"encoding/binary"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Records puts into the ledger what became of customers. It is used by one
// goroutine, in a run by the writer.
type Records struct {
	*Known
	hasher  *ledger.Hasher
	pending ledger.News
	forms   map[ledger.Form]bool // that the ledger knows, or is about to
}

// NewRecords begins to take what a run brings, which began at a time. It is nil
// without a ledger, and takes nothing then.
func NewRecords(k *Known, runID string, began time.Time) *Records {
	if k == nil {
		return nil
	}
	return &Records{Known: k, hasher: k.Ledger.Hasher(k.Owner), pending: ledger.News{RunID: runID, Began: began}, forms: map[ledger.Form]bool{}}
}

// Take takes a result that came of a call, in this run or before. Who is the
// identity of the record's customer where that is known already, or nil.
func (r *Records) Take(rec *source.Record, res *sink.Result, who *Identity) {
	if r == nil || res.Kept || res.Status == sink.Duplicate || res.Status == sink.Invalid {
		return
	}
	if who == nil {
		who = r.Identify(r.hasher, rec)
	}
	e, _ := entryOf(res, who.digest)
	r.pending.Changes = append(r.pending.Changes, ledger.Change{Key: who.key, Entry: e})
	if form := r.formOf(who); !r.forms[form] {
		r.forms[form] = true
		r.pending.Forms = append(r.pending.Forms, form)
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
