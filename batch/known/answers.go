package known

import (
	"encoding/binary"
	"time"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Answers are what the ledger has said of the rows that are not called, by row,
// each for the very record that was asked for. They are an answers.Source.
type Answers struct {
	known *Known
	spill *customers.Spill
	width uint32 // rows of a partition
	buf   []byte

	part  int // the number of the part in memory, or -1
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

// Answer implements answers.Source. Records come in the order of the list.
func (a *Answers) Answer(rec *source.Record) (answers.Answer, error) {
	n := uint32(rec.Row - 1)
	part := int(n / a.width)
	if part >= customers.SpillParts {
		return answers.Answer{}, nil // the list has grown since
	}
	if part != a.part {
		if err := a.load(part); err != nil {
			return answers.Answer{}, err
		}
	}
	place := a.place[n%a.width]
	if place == 0 {
		return answers.Answer{}, nil // the customer is called
	}
	b := a.blob[place-1:]
	b = b[:binary.LittleEndian.Uint32(b)]
	e, err := ledger.ParseEntry(b[answerHead:])
	if err != nil {
		return answers.Answer{}, state.ScratchError("read", err)
	}
	return answers.Answer{
		Result: a.result(standing(b[answerHead-1]), &e), Print: binary.LittleEndian.Uint64(b[8:]),
		Known: true, Past: true, Key: binary.LittleEndian.Uint32(b[16:]),
	}, nil
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
