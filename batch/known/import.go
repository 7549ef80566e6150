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

// Import puts the results of an earlier run down in a ledger. It is used by one
// goroutine. It sorts them first: recorded in the order of a list, ten million
// customers would have it write the whole ledger again and again.
type Import struct {
	records *Records
	sorted  *customers.Spill
	buf     []byte
	Taken   int64 // results that Flush records
	Undated int64 // results left out, because it cannot be read when they came
}

// Import begins to put earlier results down. The scratch file takes some 60
// bytes for each.
func (k *Known) Import(file state.ScratchFile) *Import {
	return &Import{records: NewRecords(k, "", time.Time{}), sorted: customers.NewSpillFile(file).Spill()}
}

// Take takes one result. Those that came of no call, in that run or before, are
// passed over.
func (i *Import) Take(rec *source.Record, res sink.Result) error {
	if res.ProcessedAt.IsZero() {
		i.Undated++
		return nil
	}
	pending := &i.records.pending
	if i.records.Take(rec, &res, nil); len(pending.Changes) == 0 {
		return nil
	}
	c := &pending.Changes[0]
	b := append(append(i.buf[:0], 0, 0, 0, 0), c.Key[:]...)
	b = c.Entry.Append(b)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	i.buf, pending.Changes = b, pending.Changes[:0]
	i.Taken++
	return i.sorted.Add(int(c.Key[0]), b)
}

// Flush records what was taken.
func (i *Import) Flush() error {
	pending := &i.records.pending
	var blob []byte
	for part := range customers.SpillParts {
		var err error
		if blob, err = i.sorted.Read(part, blob); err != nil {
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
		if err := i.records.Ledger.Put(pending); err != nil {
			return err
		}
		pending.Forms = nil
	}
	return nil
}
