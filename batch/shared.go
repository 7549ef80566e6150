package batch

import (
	"hash/maphash"

	"bulkonboard/sink"
)

// rememberedIDs is how many session ids are remembered. Who hands out the same
// one again mostly does so soon: a cache before the service, or calls that got
// each other's answers.
const rememberedIDs = 1 << 12

// sharedIDs notices a session id that the service has given to two customers.
// It belongs to the writer.
type sharedIDs struct {
	formID string // for records that carry none

	seed maphash.Seed
	seen [rememberedIDs]struct {
		id, customer uint64
		row          int64
	}
}

func newSharedIDs(formID string) *sharedIDs {
	return &sharedIDs{formID: formID, seed: maphash.MakeSeed()}
}

// look reports the row of another customer that has the session id of this
// result.
func (s *sharedIDs) look(of *slot, res *sink.Result) (row int64, shared bool) {
	if res.Status != sink.OK {
		return 0, false
	}
	if of.customer == "" { // an earlier run, or another part, has called
		of.customer = customerOf(of.rec, s.formID)
	}
	id, customer := maphash.String(s.seed, res.SessionID), maphash.String(s.seed, of.customer)
	was := &s.seen[id%rememberedIDs]
	if was.id == id && was.customer != customer {
		return was.row, true
	}
	was.id, was.customer, was.row = id, customer, of.rec.Row
	return 0, false
}

// shared takes note of a row with the session id of another customer.
func (w *writer) shared(s *slot, res *sink.Result) {
	row, shared := w.ids.look(s, res)
	if !shared {
		return
	}
	if w.tally.SharedIDs == nil {
		w.tally.SharedIDs = &sink.SharedIDs{Row: s.rec.Row, Of: row}
		w.log.Warn("the service gave a row the session id of another customer", "row", s.rec.Row, "other_row", row)
	}
	w.tally.SharedIDs.Count++
}
