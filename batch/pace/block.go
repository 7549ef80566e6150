package pace

import (
	"slices"
	"time"

	"bulkonboard/batch/blame"
)

// streak is failures one after another of rows that were never tried. Rows that
// failed before say nothing of the service as long as there are others.
type streak struct {
	calls    int
	refusals int
	began    time.Time // the first failure
	sent     time.Time // when that attempt was sent
	rows     []*blame.Row
	answers  bool    // a failure was an answer, or a call that was taken
	share    float64 // of first attempts that failed before it
	rate     float64 // before it
}

func (s *streak) add(now time.Time, t Ticket, class Class, b *blame.Row, share, rate float64) {
	if s.calls == 0 {
		s.began, s.sent, s.share, s.rate = now, t.sent, share, rate
	}
	s.calls++
	if class.asksForFewer() {
		s.refusals++
	}
	s.answers = s.answers || class != Unreachable
	if !slices.Contains(s.rows, b) {
		s.rows = append(s.rows, b)
	}
}

// tells reports that the streak is the service's doing: chance hardly brings
// that about, and one row alone cannot, unless there was no connection at all, or
// there is no other to ask.
func (s *streak) tells(others bool) bool {
	least, rows := inARow, 3
	if s.refusals == s.calls {
		least, rows = 2, 2
	}
	if !others {
		rows = 1
	}
	if s.share > 0 {
		least = max(least, blame.LeastInARow(s.share))
	}
	return s.calls >= least && (!s.answers || len(s.rows) >= rows)
}

func (s *streak) forget() {
	clear(s.rows)
	*s = streak{rows: s.rows[:0]}
}

// block is a time in which nothing is sent but trials, one at a time unless it hangs.
type block struct {
	on       bool
	throttle bool // the service asks for fewer calls, and does not fail
	answers  bool // it has answered, though not as it should
	setup    bool // every failure is one of a wrong set-up
	began    time.Time
	taken    int64     // by the quota, by then
	until    time.Time // no trial before
	wait     time.Duration
	asked    time.Duration // the longest wait that the service asked for
	trials   int           // in vain
	last     time.Time     // when the last of them was sent
	flying   time.Time     // when the newest trial was sent; zero once that is answered
	early    bool          // the first trial does not wait as long as was asked for
	ways     int           // in which trials have failed: a bit for each class
	others   bool          // other parts of the job were answered meanwhile
	well     bool          // the service said so, asked about itself
	lastRows bool          // and no rows are left but those that failed
	rate     float64       // before the streak
}

// outage reports a block that is told as one.
func (b *block) outage() bool { return !b.throttle && b.trials > 0 }

// stop begins a block, as a streak did.
func (c *Controller) stop(now time.Time, s *Signal, k *streak) {
	c.block = block{
		on: true, throttle: k.refusals == k.calls, answers: k.answers, setup: s.Setup,
		began: k.began, taken: c.taken, wait: 2 * round, rate: k.rate,
	}
	b := &c.block
	if b.throttle {
		b.wait = clamp(interval(c.rate)*11/10, round/5, 4*round)
	}
	// A wait that was asked for again soon after the last one, or in vain before,
	// may be meant for that row alone: one other row is asked at once.
	b.early = s.RetryAfter > 0 && (c.doubted || now.Sub(c.asked) < max(settles, s.RetryAfter))
	c.snapshot.Cause = s.Cause
	c.postpone(now, s.RetryAfter)
}

// postpone puts off the next trial. A wait beyond what the run allows is obeyed
// once another row was told the same.
func (c *Controller) postpone(now time.Time, hint time.Duration) {
	b := &c.block
	if b.early && b.trials == 0 {
		hint = 0
	}
	if c.config.MaxOutage > 0 && now.Add(hint).After(b.began.Add(c.config.MaxOutage)) {
		if b.trials > 0 {
			c.end(AskedLong, b.began, now.Add(hint))
		}
		hint = 0
	}
	b.asked = max(b.asked, hint)
	b.until = later(b.until, now.Add(max(b.wait, hint)))
}

// trialFailed puts off the next trial. That another row failed, too, says that
// it is the service: no row loses an attempt. Where all are refused, one trial may
// have met a bad row, and the second decides.
func (c *Controller) trialFailed(now time.Time, t Ticket, s *Signal) {
	b := &c.block
	told := b.outage()
	if b.trials++; c.untried && (!b.throttle || b.trials > 1) {
		c.failures.Drop()
	}
	b.last, c.snapshot.Cause = later(b.last, t.sent), s.Cause
	b.answers = b.answers || s.Class != Unreachable
	b.setup = b.setup && s.Setup
	if s.Class != Throttled && b.trials > 1 {
		b.throttle = false
	}
	b.wait = max(b.wait, now.Sub(b.began)/3)
	if !b.throttle {
		b.wait = min(b.wait, mostCanary-now.Sub(t.sent))
		if way := 1 << s.Class; b.ways&way == 0 && now.Sub(t.sent) < mostCanary { // something has changed
			b.ways, b.wait = b.ways|way, min(b.wait, 2*round)
		}
	}
	c.postpone(now, s.RetryAfter)
	if b.outage() && !told {
		c.snapshot.Outages++
	}
}

// lone is the decision in a block.
func (c *Controller) lone(now time.Time, inFlight int) Decision {
	b := &c.block
	giveUp, end := c.giveUp()
	switch {
	case !giveUp.IsZero() && !now.Before(giveUp):
		return c.end(end, b.began, time.Time{})
	case c.letsGo(now):
		c.letGo(now)
		return c.Next(now, inFlight, c.untried)
	case inFlight >= c.flight.most:
		return Decision{At: giveUp}
	}
	v := sendAt(now, later(b.until, b.flying.Add(mostCanary*5/4)))
	v.Trial = true
	if !giveUp.IsZero() && v.At.After(giveUp) {
		v.At = giveUp
	}
	return v
}

// giveUp is when a block ends the run, and how; zero for never. A service that
// was never reached is a wrong set-up.
func (c *Controller) giveUp() (at time.Time, end End) {
	b := &c.block
	if c.config.MaxOutage > 0 {
		at = b.began.Add(c.config.MaxOutage)
	}
	if c.proven || b.answers || !b.setup {
		return at, TooLong
	}
	setup := b.began.Add(3 * mostCanary)
	if !at.IsZero() && at.Before(setup) {
		setup = at
	}
	return setup, WrongSetup
}

// OthersAnswered takes in that the service does well by other parts of the job,
// which have controllers of their own. Then calls of this one that the service
// answers and fails are the fault of their rows, and not an outage.
func (c *Controller) OthersAnswered(now time.Time) {
	c.proven = true
	c.block.others = c.block.on
	if c.alone {
		c.aloneSince = now
	}
}

// ServiceFails takes in that the service, when it was asked about itself, was found to
// fail: no row is at fault.
func (c *Controller) ServiceFails(now time.Time, s Signal) {
	c.failures.Drop()
	switch {
	case !c.block.on:
		k := c.streak
		if k.calls == 0 {
			k.add(now, Ticket{sent: now}, s.Class, nil, 0, c.rate)
		}
		if c.alone { // since then the service has done well by no row
			k.began = c.aloneSince
		}
		c.stop(now, &s, &k)
	case s.RetryAfter > 0:
		c.postpone(now, s.RetryAfter)
	}
	c.alone, c.unwell, c.block.well, c.block.lastRows = false, true, false, false
}

// ServiceWell takes in that the service did well when it was asked about itself. If it
// had failed before, what failed until now was its doing, and otherwise that of the
// rows. last says that no rows are left but those that failed.
func (c *Controller) ServiceWell(asked time.Time, last bool) {
	if c.unwell {
		c.failures.Drop()
	}
	c.failures.ServiceWell(asked)
	c.aloneSince, c.unwell, c.block.well, c.block.lastRows = asked, false, c.block.on, last
}

// Count counts the failure of a row against it, where nothing tells whose fault it is.
func (c *Controller) Count(b *blame.Row) { c.failures.Count(b) }

// letsGo reports that there is nothing left to find out by trials: the service
// answers, and fails every row.
func (c *Controller) letsGo(now time.Time) bool {
	b := &c.block
	patience := 5 * enough * mostCanary
	switch {
	case b.lastRows, (b.well || b.others || !c.untried && c.well) && !b.throttle:
		patience = settles
	case !c.untried: // it may be about to start
		patience = 12 * settles
	case b.throttle, c.well && c.config.MaxOutage > 0: // used up for long, or an outage, which ends the run in time
		return false
	}
	if c.config.MaxOutage > 0 {
		patience = min(patience, c.config.MaxOutage/2)
	}
	waited := now.Sub(b.began) >= patience && (b.asked == 0 || !now.Before(b.until))
	told := c.untried || !c.config.Asked || b.well
	return told && waited && b.answers && now.Sub(b.flying) >= mostCanary && b.trials > 0
}

// letGo charges every row with its own failures from now on, until one succeeds.
func (c *Controller) letGo(now time.Time) {
	c.alone, c.aloneSince = true, c.block.began
	c.failures.CountAll()
	c.endBlock(now)
	if c.paced() {
		c.backOff()
	}
}

// endBlock lets sending begin again.
func (c *Controller) endBlock(now time.Time) {
	blocked := now.Sub(c.block.began)
	if c.block.throttle {
		c.snapshot.Held += blocked
	} else {
		c.snapshot.Outage += blocked
	}
	c.block = block{}
	c.streak.forget()
	c.unwell = false
	c.epoch++
	c.due = now
	c.newRound(now)
}

// overAsked is how much longer than needed a block was, as far as one can tell:
// services ask for whole seconds, on average half of one too many.
func (b *block) overAsked() time.Duration { return min(b.asked, time.Second) / 2 }
