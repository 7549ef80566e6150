package batch

import (
	"time"

	"bulkonboard/batch/session"
)

// verdict is what an answer means for its row.
type verdict int

const (
	finished verdict = iota // the row has its result
	again                   // the row is sent again
	accuse                  // the row, or the set-up: what becomes of another row decides
	stopRun                 // every row would meet the same: the run ends, this row stays unprocessed
	unsent                  // the run was told to stop while the call was under way: the row stays unprocessed
)

// judge says what an answer means, by the answer table of the API's page. Until
// the API itself has answered anything in this run, an answer that is not the
// API's means a wrong base URL, and after that it is a gateway's hiccup.
func (d *dispatcher) judge(s *slot, a *session.Reply) verdict {
	switch a.Outcome {
	case session.OK, session.Rejected:
		return finished
	case session.CredentialsRefused, session.TenantRefused:
		return d.another(s, a)
	case session.TLSRefused:
		if !d.proven {
			return stopRun
		}
		return again
	case session.NotTheAPI:
		if !d.recognised {
			return d.another(s, a)
		}
		return again
	case session.Cancelled:
		return unsent
	default:
		if !d.proven && d.wrong.same(s, a, !d.untried()) {
			return stopRun
		}
		return again
	}
}

const (
	// checks is how many rows are asked, one after another, before a service
	// that has done well by others is taken for one that refuses all.
	checks = 3

	// lookAhead is how many rows are read before one of them is picked for that,
	// and lookFor how long to wait for them: bad rows stand together.
	lookAhead = 1024
	lookFor   = time.Second
)

// looking reports that more rows are on their way, from which one can be picked
// to find out about the accused, and until when to wait for them.
func (d *dispatcher) looking(now time.Time) (until time.Time, yes bool) {
	until = d.accused.since.Add(lookFor)
	return until, d.work != nil && !d.jam.on.Load() && d.ahead.left < lookAhead && now.Before(until)
}

// accused are rows whose answer would be that of every row if the set-up were
// wrong, while one other row is sent to find out.
type accused struct {
	rows    []accusation
	since   time.Time // the first of them
	check   *slot     // a row that was sent to find out, and is not back
	refused int       // of those, how many were answered alike
}

// accusation is such a row, and what it was answered.
type accusation struct {
	slot   *slot
	answer session.Reply
	sends  int64 // of the run, by then
}

// another decides what an answer means that every row would get from a service
// that is set up wrongly. A firewall, and a customer that is locked, bring it
// about for one row only: so another row is asked before the run ends, and some
// more where the service has done well by others. Where no row is left that was
// never tried, it is the row's then.
func (d *dispatcher) another(s *slot, a *session.Reply) verdict {
	if len(d.accused.rows) > 0 && s.number > d.accused.rows[0].sends {
		if d.accused.refused++; !d.proven || d.accused.refused >= checks {
			return stopRun
		}
	}
	switch {
	case s.refused != "" && s.refused == a.Code: // others had succeeded when it was refused
		return finished
	case d.untried() || d.inFlight > 0 || !d.proven && d.ahead.left > 0:
		return accuse
	case d.proven && a.Outcome == session.NotTheAPI:
		return again
	case d.proven:
		return finished
	}
	return stopRun
}

// accuse has a row wait for what becomes of another one.
func (d *dispatcher) accuse(s *slot, a *session.Reply, now time.Time) {
	if s.blame.Charged() == 0 { // once: every start with a wrong secret would use up an attempt
		s.blame.Accuse()
	}
	d.ended(s)
	if len(d.accused.rows) == 0 {
		d.accused.since, d.accused.refused = now, 0
	}
	d.accused.rows = append(d.accused.rows, accusation{s, *a, d.sends})
}

// settle decides on the accused when there is no other row left to ask.
func (d *dispatcher) settle(now time.Time) {
	rows := d.accused.rows
	d.accused.rows = nil
	for _, c := range rows {
		if !d.proven {
			d.stop(refusedError(c.slot, &c.answer))
			return
		}
		d.clear(c, now)
	}
}

// acquitOthers ends the rows that were refused before another row was sent that
// has been answered as it should: their refusal is their own.
func (d *dispatcher) acquitOthers(by *slot, now time.Time) {
	left := d.accused.rows[:0]
	var own []accusation
	for _, c := range d.accused.rows {
		if c.slot.number < by.number {
			own = append(own, c)
		} else {
			left = append(left, c)
		}
	}
	clear(d.accused.rows[len(left):])
	d.accused.rows = left
	for _, c := range own {
		d.clear(c, now)
	}
}

// clear takes in that the set-up is right: the row has its result, or is sent
// again where what answered it was not the API.
func (d *dispatcher) clear(c accusation, now time.Time) {
	if c.answer.Outcome == session.NotTheAPI {
		d.later(c.slot, &c.answer, now)
		return
	}
	res := resultOf(c.slot, &c.answer, now)
	d.finish(c.slot, &res)
}

// wrongAnswers notices a service that answers every row in the same unusable
// way: a success without a session id, or in an encoding that it is not in. That
// is no outage, and no row's doing.
type wrongAnswers struct {
	code string
	rows map[int64]int
}

// same reports that so many rows were answered alike, and none in any other way,
// that the service must be set up wrongly. last says that no other row is left
// to ask.
func (w *wrongAnswers) same(s *slot, a *session.Reply, last bool) bool {
	if !a.WrongSetUp() || a.Outcome == session.Unreachable {
		w.clear()
		return false
	}
	if w.code != a.Code {
		w.code, w.rows = a.Code, map[int64]int{}
	}
	w.rows[s.rec.Row]++
	answers := 0
	for _, n := range w.rows {
		answers += n
	}
	return len(w.rows) >= suspicious || last && answers >= 2*len(w.rows)
}

func (w *wrongAnswers) clear() { w.code, w.rows = "", nil }
