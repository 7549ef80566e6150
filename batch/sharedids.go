package batch

import (
	"hash/maphash"

	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
)

const (
	// rememberedIDs is how many session ids are remembered, in sets of some: the
	// last ones that came into each. Who hands out the same one again mostly does
	// so soon: a cache before the service, or calls that got each other's answers.
	rememberedIDs = 1 << 16
	rememberedSet = 4

	// freshIDs is how many new ones are compared with the ledger at a time, which
	// takes reading all of it.
	freshIDs = 1 << 18
)

// sharedIDs notices a session id that two customers have: of rows of the list,
// whether they were called, known or kept, and of one that was called and any
// that the ledger has. It belongs to the writer.
type sharedIDs struct {
	formID  string         // for records that carry none
	records *known.Records // nil without a ledger

	seed    maphash.Seed
	seen    [rememberedIDs / rememberedSet][rememberedSet]hasID
	fresh   []hasID         // called, and not yet compared with the ledger
	noticed map[uint64]bool // ids
}

// hasID is a row with a session id, which is a hash, as its customer is. A set
// of them is a line of the processor's cache.
type hasID struct {
	id            uint64
	customer, row uint32
}

func newSharedIDs(formID string, r *known.Records) *sharedIDs {
	return &sharedIDs{formID: formID, records: r, seed: maphash.MakeSeed(), noticed: map[uint64]bool{}}
}

// customerOf stands for the customer of a row: by its key where there is a
// ledger, which rows have that were answered from it.
func (s *sharedIDs) customerOf(of *slot) uint32 {
	switch {
	case of.answer.Key != 0:
		return of.answer.Key
	case of.customer == "": // an earlier run, or another part, has called
		of.customer = of.rec.Identity(s.formID)
	}
	if s.records != nil {
		return s.records.ShortKey(of.customer)
	}
	return uint32(maphash.String(s.seed, of.customer))
}

// look reports the row of another customer that has the session id of this
// result.
func (s *sharedIDs) look(of *slot, res *sink.Result) (row int64, shared bool) {
	if res.Status != sink.OK && res.Status != sink.Known {
		return 0, false
	}
	now := hasID{maphash.String(s.seed, res.SessionID), s.customerOf(of), uint32(of.rec.Row)}
	set := &s.seen[now.id%uint64(len(s.seen))]
	for i := range set {
		if was := set[i]; was.id == now.id && was.row > 0 {
			if was.customer == now.customer {
				return 0, false
			}
			s.noticed[now.id] = true
			return int64(was.row), true
		}
	}
	copy(set[1:], set[:])
	set[0] = now
	if s.records != nil && res.Status == sink.OK && !res.Kept {
		s.fresh = append(s.fresh, now)
	}
	return 0, false
}

// shared takes note of a row with the session id of another customer.
func (w *writer) shared(s *slot, res *sink.Result) error {
	if row, shared := w.ids.look(s, res); shared {
		w.noticed(s.rec.Row, row)
	}
	if len(w.ids.fresh) < freshIDs {
		return nil
	}
	return w.saveAndCompareIDs()
}

// noticed reports a row, and the row that had its session id before; 0: that is a
// customer of the ledger.
func (w *writer) noticed(row, other int64) {
	if w.totals.SharedIDs == nil {
		w.totals.SharedIDs = &sink.SharedIDs{Row: row, Of: other}
		if other > 0 {
			w.log.Warn("the service gave a row the session id of another customer", "event", "shared_id", "row", row, "other_row", other)
		} else {
			w.log.Warn("the service gave a row the session id that the ledger has of another customer", "event", "shared_id", "row", row)
		}
	}
	w.totals.SharedIDs.Count++
}

// saveAndCompareIDs saves, which tells the ledger of the rows that were called,
// and compares their session ids with those of all its customers.
func (w *writer) saveAndCompareIDs() error {
	s := w.ids
	if err := w.save(); err != nil || len(s.fresh) == 0 {
		return err
	}
	rows := make(map[uint64]*hasID, len(s.fresh))
	for i := range s.fresh {
		rows[s.fresh[i].id] = &s.fresh[i]
	}
	err := s.records.Ledger.Walk(func(key ledger.Key, value []byte) error {
		e, err := ledger.ParseEntry(value)
		if err != nil || e.Session.ID == "" {
			return err
		}
		id := maphash.String(s.seed, e.Session.ID)
		if row := rows[id]; row != nil && row.customer != known.ShortKey(key) && !s.noticed[id] {
			s.noticed[id] = true
			w.noticed(int64(row.row), 0)
		}
		return nil
	})
	s.fresh = s.fresh[:0]
	return err
}
