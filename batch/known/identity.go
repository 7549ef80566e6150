package known

import (
	"encoding/binary"
	"strings"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Identity is what the journal of a run says of the customer of a result, so that
// the ledger can record it when the list is not there any more. It names no
// customer.
type Identity struct {
	key    ledger.Key
	digest ledger.Digest
	scope  ledger.Scope
	form   string // "": that of the run
}

// Identify gives the identity of a record's customer. The hasher is used by one
// goroutine.
func (k *Known) Identify(h *ledger.Hasher, rec *source.Record) *Identity {
	i := &Identity{scope: h.Scope()}
	i.key, i.digest = k.hash(h, rec, rec.AppendIdentity(nil, k.FormID))
	if form := rec.Customer.Form(k.FormID); form != k.FormID {
		i.form = strings.TrimSpace(form)
	}
	return i
}

// Append appends the key, the digest, the scope, and the form with its length as
// a uvarint before it.
func (i *Identity) Append(dst []byte) []byte {
	dst = append(append(append(dst, i.key[:]...), i.digest[:]...), i.scope[:]...)
	return append(binary.AppendUvarint(dst, uint64(len(i.form))), i.form...)
}

// ParseIdentity reports false for other bytes than Append makes.
func ParseIdentity(b []byte) (i *Identity, ok bool) {
	i = &Identity{}
	if len(b) < len(i.key)+len(i.digest)+len(i.scope) {
		return nil, false
	}
	b = b[copy(i.key[:], b):]
	b = b[copy(i.digest[:], b):]
	b = b[copy(i.scope[:], b):]
	n, size := binary.Uvarint(b)
	if size <= 0 || n != uint64(len(b)-size) {
		return nil, false
	}
	i.form = string(b[size:])
	return i, true
}

// formOf is the form that the customer is one of.
func (k *Known) formOf(i *Identity) ledger.Form {
	f := ledger.Form{Scope: i.scope, Tenant: k.Tenant, ID: i.form}
	if f.ID == "" {
		f.ID = strings.TrimSpace(k.FormID)
	}
	return f
}

// entryOf is what the ledger is to know of a result that came of a call, in this
// run or before. It reports false for any other.
func entryOf(res *sink.Result, digest ledger.Digest) (e ledger.Entry, taken bool) {
	sent := ledger.Sent{At: res.ProcessedAt.Truncate(time.Millisecond), Digest: digest} // as the ledger has it
	switch {
	case res.Kept || res.Status == sink.Duplicate || res.Status == sink.Invalid:
		return e, false
	case res.Status == sink.OK || res.Status == sink.Known:
		e.Session = ledger.Session{Sent: sent, ID: res.SessionID, Expires: res.Expires}
	case res.Status == sink.Rejected:
		e.Refusal = ledger.Refusal{Sent: sent, Status: ledger.Rejected, Code: res.ErrorCode, Message: res.ErrorMessage}
	default:
		e.Refusal = ledger.Refusal{Sent: sent, Status: ledger.Failed}
	}
	return e, true
}
