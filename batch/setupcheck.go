package batch

import (
	"fmt"
	"time"

	"bulkonboard/batch/session"
)

const (
	// checks is how many other rows are asked, one after another, before what
	// one row got is taken for what every row would get.
	checks = 3

	// lookAhead is how many rows are read before one of them is picked for that,
	// and lookFor how long to wait for them: bad rows stand together.
	lookAhead = 1024
	lookFor   = time.Second
)

// setupCheck finds out whether a row is at fault or the set-up: rows whose reply
// would be that to every row if the set-up were wrong are suspended, while one
// other row is sent.
type setupCheck struct {
	suspended []suspended
	since     time.Time // the first of them
	latest    time.Time // and the last
	probe     *slot     // the row that was sent to find out, and is not back
	refused   int       // of those, how many got the same reply
	waits     bool      // for what the service says of itself
}

// suspended is a row that waits for the reply to another one.
type suspended struct {
	slot  *slot
	reply session.Reply
	sends int64 // of the run, by then
}

func (c *setupCheck) active() bool { return len(c.suspended) > 0 }

// enough reports that no further row is asked.
func (c *setupCheck) enough() bool { return c.active() && c.refused >= checks }

// looking reports that more rows are on their way, from which a probe can be
// picked, and until when to wait for them.
func (d *dispatcher) looking(now time.Time) (until time.Time, yes bool) {
	until = d.setup.since.Add(lookFor)
	return until, d.work != nil && !d.backpressure.on.Load() && d.queue.left < lookAhead && now.Before(until)
}

// rowOrSetup decides what a reply means that every row would get from a service
// that is set up wrongly. A firewall, and a customer that is locked, bring it
// about for some rows only: so others are asked before the run ends. Of credentials
// that the API itself refuses from the start, one more is enough: an account may be
// locked after several wrong ones. Where no row is left to ask, what the service
// says of itself decides.
func (d *dispatcher) rowOrSetup(s *slot, r *session.Reply) action {
	if d.setup.active() && s.number > d.setup.suspended[0].sends {
		d.setup.refused++
		locksOut := !d.proven && r.Recognised && r.Outcome == session.CredentialsRefused
		if locksOut || d.setup.enough() && (d.untried() || !d.proven) {
			return stopRun
		}
	}
	switch {
	case s.refused != "" && s.refused == r.Code: // others had succeeded when it was refused
		return finish
	case d.untried() || d.inFlight > 0 || !d.proven && d.queue.left > 0:
		return suspend
	case d.proven && r.Outcome == session.NotTheAPI:
		return retry
	case d.proven:
		return suspend
	}
	return stopRun
}

// suspend has a row wait for the reply to another one.
func (d *dispatcher) suspend(s *slot, r *session.Reply, now time.Time) {
	if s.blame.Charged() == 0 { // once: every start with a wrong secret would use up an attempt
		s.blame.Count()
	}
	d.ended(s)
	if !d.setup.active() {
		d.setup.since, d.setup.refused = now, 0
	}
	d.setup.latest = now
	d.setup.suspended = append(d.setup.suspended, suspended{s, *r, d.sends})
}

// noOtherLeft takes in that no other row is left that would tell, or enough were asked
// of those that are. Once none is in flight, the service is asked about itself. It
// returns when to look again.
func (d *dispatcher) noOtherLeft(now time.Time) (wakeAt time.Time) {
	switch {
	case d.inFlight > 0:
		return wakeAt
	case !d.proven:
		first := d.setup.suspended[0]
		d.stop(refusedError(first.slot, &first.reply))
	case d.access.ask != nil:
		d.setup.waits = true
		return wakeAt
	default:
		d.settleAll(nil, now)
	}
	return now
}

// settleAll decides on the suspended rows by what the service said of itself; nil when
// it cannot be asked.
func (d *dispatcher) settleAll(said *session.Reply, now time.Time) {
	rows := d.setup.suspended
	d.setup.suspended, d.setup.waits = nil, false
	if said != nil && !holds(said) {
		d.stop(refusedError(rows[0].slot, &rows[0].reply))
		return
	}
	for _, row := range rows {
		d.settle(row, now)
	}
}

// settleBefore ends the rows that were suspended before another row was sent to
// which the service has replied as it should: the set-up is right.
func (d *dispatcher) settleBefore(proof *slot, now time.Time) {
	left := d.setup.suspended[:0]
	var own []suspended
	for _, row := range d.setup.suspended {
		if row.slot.number < proof.number {
			own = append(own, row)
		} else {
			left = append(left, row)
		}
	}
	clear(d.setup.suspended[len(left):])
	d.setup.suspended = left
	for _, row := range own {
		d.settle(row, now)
	}
}

// settle takes a reply for the row's own: the row has its result, or is sent again
// where what replied was not the API.
func (d *dispatcher) settle(row suspended, now time.Time) {
	if row.reply.Outcome == session.NotTheAPI {
		d.later(row.slot, &row.reply, now)
		return
	}
	res := resultOf(row.slot, &row.reply, now)
	d.finish(row.slot, &res)
}

// RefusedError ends a run whose every call would be refused. The row that met
// the refusal stays unprocessed.
type RefusedError struct {
	Row     int64
	Outcome session.Outcome
	Code    string
	Message string // the server's words, safe to show
}

// where names the row that was refused.
func (e *RefusedError) where() string { return fmt.Sprintf(" for row %d", e.Row) }

// Error names what was refused and the next step.
func (e *RefusedError) Error() string {
	said := ""
	if e.Message != "" {
		said = fmt.Sprintf(" (the service said: %q)", e.Message)
	}
	if e.Code == "not_this_machine" {
		return e.Message + "; check --base-url, and what /etc/hosts and the name servers say of it"
	}
	switch e.Outcome {
	case session.CredentialsRefused:
		return "the credentials were refused" + e.where() + said + "; check --app-id and the app secret"
	case session.TenantRefused:
		return "the tenant was refused" + e.where() + said + "; check --tenant-id, and that the app may use it"
	case session.TLSRefused:
		return "the service's certificate was refused" + said + "; check --base-url, the clock and the trusted certificates"
	}
	if e.Code == "http_404" {
		said += "; the base URL probably has a path too many: leave out what follows the host, such as /api/v1"
	}
	return "what answers is not the GetSessionId service: " + e.Code + said + "; check --base-url"
}

func refusedError(s *slot, a *session.Reply) *RefusedError {
	return &RefusedError{Row: s.rec.Row, Outcome: a.Outcome, Code: a.Code, Message: a.Message}
}
