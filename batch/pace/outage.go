package pace

import (
	"fmt"
	"time"
)

const (
	// outageStreak is how many attempts must fail in a row. Where a fifth of
	// all calls fails at random, that happens once in 15,000 calls.
	outageStreak = 6

	// outageRows is from how many rows they must be, where only the calls
	// failed: one bad row fails every time.
	outageRows = 3

	firstCanary = time.Second
	maxCanary   = 15 * time.Second
)

// outage is the breaker. It is open while the service as a whole fails; then
// nothing is sent but one canary at a time.
type outage struct {
	open   bool
	since  time.Time // the first failure of the streak
	sent   time.Time // when the attempt that failed so was sent
	streak int
	rows   []*Blame // of the streak, up to outageRows of them
	down   bool     // a failure of the streak cannot be a row's doing

	cause string  // of the last failure
	took  float64 // accepted calls a second in the minute before

	wait     time.Duration
	canaryAt time.Time
	canary   *Blame // the last one
}

// failed takes in a failure while the breaker is closed, and reports whether
// the service as a whole has failed. A suspect row is no evidence, unless
// there was no connection at all.
func (o *outage) failed(now time.Time, t Ticket, s *Signal, b *Blame) bool {
	if b.suspect() && s.Class != Unreachable {
		return false
	}
	if o.streak == 0 {
		o.since, o.sent = now, t.sent
	}
	o.streak++
	o.down = o.down || s.Class == Down || s.Class == Unreachable
	o.see(b)
	// A service that is down and says until when is taken at its word.
	return o.streak >= outageStreak && (o.down || len(o.rows) >= outageRows) || s.Class == Down && s.RetryAfter > 0
}

func (o *outage) see(b *Blame) {
	for _, row := range o.rows {
		if row == b {
			return
		}
	}
	if len(o.rows) < outageRows {
		o.rows = append(o.rows, b)
	}
}

// answered ends a streak, unless the answer is to an attempt from before it:
// that one says nothing of a service that has failed since.
func (o *outage) answered(t Ticket) {
	if !t.sent.Before(o.sent) {
		o.forget()
	}
}

func (o *outage) forget() {
	clear(o.rows)
	o.streak, o.down, o.rows = 0, false, o.rows[:0]
}

// begin opens the breaker.
func (o *outage) begin(now time.Time, s *Signal) {
	o.open, o.wait, o.canary = true, firstCanary, nil
	o.canaryAt = now.Add(max(o.wait, s.RetryAfter))
}

// canaryFailed puts off the next canary, and reports whether the failure is
// the row's: it is when there was no other row to try, and the service did
// answer or take the call.
func (o *outage) canaryFailed(now time.Time, s *Signal, b *Blame) (charged bool) {
	charged = o.canary == b && s.Class == Fault
	o.canary = b
	o.wait = min(2*o.wait, maxCanary)
	o.canaryAt = now.Add(max(o.wait, s.RetryAfter))
	return charged
}

// end closes the breaker.
func (o *outage) end() {
	o.open, o.canary = false, nil
	o.forget()
}

// OutageError ends a run whose service did not come back.
type OutageError struct {
	Since time.Time
	Held  bool   // by answers 429, and not because the service failed
	Cause string // of the last failure
}

// Error says since when, and the next step.
func (e *OutageError) Error() string {
	what, cause := "the service has answered no call as it should", ""
	if e.Held {
		what = "the service has refused every call (429)"
	} else if e.Cause != "" {
		cause = " (the last time: " + e.Cause + ")"
	}
	return fmt.Sprintf("%s since %s%s, longer than --max-outage allows; run the same command again to go on", what, e.Since.Format(time.DateTime), cause)
}

// WaitError ends a run whose service asks to come back much later.
type WaitError struct{ Until time.Time }

// Error says when to come back.
func (e *WaitError) Error() string {
	return fmt.Sprintf("the service asks to wait until %s; run the same command again after that to go on", e.Until.Format(time.DateTime))
}
