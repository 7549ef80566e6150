package known

import (
	"encoding/binary"
	"time"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Answers are what the ledger has said of the rows that are not called, by row.
// A list that was changed behind the back of its forecast is noticed: an answer
// is good for the very record that was asked for. Nil has none.
type Answers struct {
	known *Known
	spill *customers.Spill
	width uint32 // rows of a partition
	buf   []byte

	part  int // the one that is in memory, or -1
	blob  []byte
	place []uint32 // in the blob, from 1, of each row of the partition
	said  obtained
}

// An answer is: its length u32, row u32, fingerprint u64, the beginning of the
// key u32, standing u8, entry.
const answerHead = 4 + 4 + 8 + 4 + 1

func (a *Answers) add(row *customers.Sighting, is standing, value []byte) error {
	b := binary.LittleEndian.AppendUint32(a.buf[:0], 0)
	b = binary.LittleEndian.AppendUint32(b, row.Row)
	b = binary.LittleEndian.AppendUint64(b, row.Print)
	b = binary.LittleEndian.AppendUint32(b, ShortKey(row.Key))
	b = append(append(b, byte(is)), value...)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	a.buf = b
	return a.spill.Add(int((row.Row-1)/a.width), b)
}

// Of gives the result of a record whose customer need not be called, or nil, and
// the beginning of the customer's key. Records come in the order of the list.
func (a *Answers) Of(rec *source.Record) (res *sink.Result, key uint32, err error) {
	if a == nil {
		return nil, 0, nil
	}
	n := uint32(rec.Row - 1)
	part := int(n / a.width)
	if part >= customers.SpillParts {
		return nil, 0, nil // the list has grown since
	}
	if part != a.part {
		if err := a.load(part); err != nil {
			return nil, 0, err
		}
	}
	place := a.place[n%a.width]
	if place == 0 {
		return nil, 0, nil // the customer is called
	}
	b := a.blob[place-1:]
	b = b[:binary.LittleEndian.Uint32(b)]
	if binary.LittleEndian.Uint64(b[8:]) != rec.Fingerprint() {
		return nil, 0, rec.Changed()
	}
	e, err := ledger.ParseEntry(b[answerHead:])
	if err != nil {
		return nil, 0, state.ScratchError("read", err)
	}
	return a.result(standing(b[answerHead-1]), &e), binary.LittleEndian.Uint32(b[16:]), nil
}

// result is what a customer's row is answered with: what the ledger knows, as it
// was when it came. Nil: the session id has expired since it was asked for.
func (a *Answers) result(is standing, e *ledger.Entry) *sink.Result {
	if is == isRefused {
		return &sink.Result{Status: sink.Rejected, ErrorCode: e.Refusal.Code, ErrorMessage: e.Refusal.Message, ProcessedAt: e.Refusal.At}
	}
	if (a.known.TTL >= 0 || !e.Session.Expires.IsZero()) && a.known.expired(&e.Session, time.Now()) {
		return nil
	}
	return &sink.Result{Status: sink.Known, SessionID: e.Session.ID, ErrorMessage: a.said.at(e.Session.At), ProcessedAt: e.Session.At}
}

// load takes a partition into memory.
func (a *Answers) load(part int) (err error) {
	if a.blob, err = a.spill.Read(part, a.blob); err != nil {
		return err
	}
	a.part = part
	if a.place == nil {
		a.place = make([]uint32, a.width)
	}
	clear(a.place)
	for at := uint32(0); int(at) < len(a.blob); {
		b := a.blob[at:]
		a.place[(binary.LittleEndian.Uint32(b[4:])-1)%a.width] = at + 1
		at += binary.LittleEndian.Uint32(b)
	}
	return nil
}

// obtained says when session ids were obtained. Of customers that stand near each
// other in a list, many were called in the same second.
type obtained struct {
	second int64
	words  string
}

func (o *obtained) at(t time.Time) string {
	if second := t.Unix(); o.words == "" || second != o.second {
		o.second, o.words = second, "obtained "+t.UTC().Format(time.RFC3339)
	}
	return o.words
}
