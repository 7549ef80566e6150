package batch

import (
	"encoding/binary"
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
	return &records{Known: k, hasher: k.Ledger.Hasher(), pending: ledger.News{RunID: runID, Began: began}, forms: map[string]bool{}}
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

// takeAhead takes what is left in the window when a run stops: results that
// wait for a row before them. The journal has them for whoever goes on with this
// run, but another list may ask the ledger first.
func (r *records) takeAhead(order <-chan *slot) {
	if r == nil {
		return
	}
	for s := range order {
		select {
		case res := <-s.done:
			if !s.known {
				r.take(s.rec, &res)
			}
		default:
		}
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
	r.pending.Changes, r.pending.Forms = r.pending.Changes[:0], nil
	return nil
}

// Import puts the results of an earlier run down in a ledger. It is used by one
// goroutine. It sorts them first: put down in the order of a list, ten million
// customers would have it write the whole ledger again and again.
type Import struct {
	records *records
	sorted  spill
	buf     []byte
	Taken   int64 // results that Flush puts down
}

// Import begins to put earlier results down. The scratch file takes some 60
// bytes for each.
func (k *Known) Import(scratch Scratch) *Import {
	return &Import{records: newRecords(k, "", time.Time{}), sorted: spill{file: scratch}}
}

// Take takes one result. Those that came of no call are passed over.
func (i *Import) Take(rec *source.Record, res *sink.Result) error {
	pending := &i.records.pending
	if i.records.take(rec, res); len(pending.Changes) == 0 {
		return nil
	}
	c := &pending.Changes[0]
	if strings.HasSuffix(res.ErrorMessage, fieldsDiffer) {
		c.Entry.Digest = ledger.Digest{} // of no fields: those of the row are still to be sent
	}
	b := append(append(i.buf[:0], 0, 0, 0, 0), c.Key[:]...)
	b = c.Entry.Append(b)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	i.buf, pending.Changes = b, pending.Changes[:0]
	i.Taken++
	return i.sorted.add(int(c.Key[0]), b)
}

// Flush puts down what was taken.
func (i *Import) Flush() error {
	pending := &i.records.pending
	var blob []byte
	for part := range spillParts {
		var err error
		if blob, err = i.sorted.read(part, blob); err != nil {
			return err
		}
		pending.Changes = pending.Changes[:0]
		for rest := blob; len(rest) > 0; {
			one := rest[:binary.LittleEndian.Uint32(rest)]
			rest = rest[len(one):]
			c := ledger.Change{Key: ledger.Key(one[4 : 4+len(ledger.Key{})])}
			if c.Entry, err = ledger.ParseEntry(one[4+len(c.Key):]); err != nil {
				return err
			}
			pending.Changes = append(pending.Changes, c)
		}
		if len(pending.Changes) == 0 {
			continue
		}
		if err := i.records.Ledger.Import(pending); err != nil {
			return err
		}
		pending.Forms = nil
	}
	return nil
}
