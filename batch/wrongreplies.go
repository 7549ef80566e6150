package batch

import "bulkonboard/batch/session"

// wrongReplies notices a service that replies to every row in the same unusable
// way: with a success without a session id, or in an encoding that it is not in.
// That is not an outage, and no row's doing.
type wrongReplies struct {
	code string
	rows map[int64]int
}

// same reports that this number of rows got the same reply, and none any other, that the
// service must be set up wrongly. last says that no other row is left to ask.
func (w *wrongReplies) same(s *slot, r *session.Reply, last bool) bool {
	if !r.WrongSetUp() || r.Outcome == session.Unreachable {
		w.clear()
		return false
	}
	if w.code != r.Code {
		w.code, w.rows = r.Code, map[int64]int{}
	}
	w.rows[s.rec.Row]++
	replies := 0
	for _, n := range w.rows {
		replies += n
	}
	return len(w.rows) >= enoughAlike || last && replies >= 2*len(w.rows)
}

func (w *wrongReplies) clear() { w.code, w.rows = "", nil }
