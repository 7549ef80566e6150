package pace

import (
	"cmp"
	"math"
	"time"

	"bulkonboard/batch/blame"
)

// phase is what the pace does while nothing blocks it.
type phase int

const (
	cruising  phase = iota
	searching       // the rate doubles, up to one that went well before if there is one
	probing         // the rate is a step above one that went well
)

// Controller is the pace of one endpoint.
type Controller struct {
	config   Config
	flight   flight
	failures blame.Failures
	streak   streak
	block    block
	floor    floor
	untried  bool // rows are left that were never tried
	proven   bool // the service has processed a call
	well     bool // and in this start

	alone      bool // the service fails every row: each counts for itself
	aloneSince time.Time
	unwell     bool // so it said when it was asked about itself the last time

	phase phase
	rate  float64   // attempts per second aimed at; unpaced for no limit
	good  float64   // the last rate that went well
	sure  float64   // one that went well for long, before the last probes; 0: none did
	due   time.Time // of the next attempt at that rate
	quota float64   // that the service says it takes; 0 when it does not
	epoch int       // of rates: an answer to an attempt of an earlier one says nothing of this one

	round  mark  // where the stretch began that the rate is judged by
	lately mark  // and the one before it
	sent   int   // in it
	others int   // attempts in flight, as Next was told
	since  count // the rate changed

	taken  int64 // by the quota: answered, and not refused
	cycle  mark  // the end of the last block, or the start
	spent  mark  // when the quota was used up the last time
	learnt mark  // when it was found that there is a quota

	step    float64       // the next one
	dwell   time.Duration // how long a probe lasts at least
	probeAt time.Time     // not before
	credit  float64       // refusals that may be met
	scatter int           // attempts that are to be for rows from all over the window
	asked   time.Time     // when a block ended for which the service had asked
	doubted bool          // such waits are not meant for everybody

	ended    End
	snapshot Snapshot
}

// New returns a controller.
func New(c Config) *Controller {
	p := &Controller{
		config: c, flight: flight{most: c.MaxInFlight}, failures: blame.New(),
		rate: unpaced, step: firstStep, dwell: 2 * round, untried: true, proven: c.Proven,
	}
	if c.Ceiling > 0 {
		p.rate = c.Ceiling
	}
	if c.Search {
		p.rate, p.phase = cmp.Or(c.Start, firstRate), searching
	}
	p.good = p.rate
	return p
}

// Next reports whether an attempt may be sent now, with inFlight under way.
// untried says whether a row is left that was never tried.
func (c *Controller) Next(now time.Time, inFlight int, untried bool) Decision {
	if c.cycle.at.IsZero() {
		c.cycle.at, c.round.at, c.due = now, now, now
	}
	c.untried, c.others = untried, inFlight
	switch {
	case c.ended != GoesOn:
		return Decision{End: c.ended}
	case c.block.on:
		return c.lone(now, inFlight)
	case c.alone && c.config.MaxOutage > 0 && now.Sub(c.aloneSince) >= c.config.MaxOutage:
		return c.end(TooLong, c.aloneSince, time.Time{})
	case c.flight.full(inFlight, c.rate):
		return Decision{}
	}
	v := sendAt(now, c.due)
	v.Scatter = c.scatter > 0
	return v
}

func (c *Controller) end(why End, since, until time.Time) Decision {
	c.ended, c.snapshot.Since, c.snapshot.Until = why, since, until
	return Decision{End: why}
}

func sendAt(now, at time.Time) Decision {
	if at.After(now) {
		return Decision{At: at}
	}
	return Decision{Send: true}
}

// Sent must follow a decision to send, once the attempt goes out. The ticket
// goes with the attempt, to Answered.
func (c *Controller) Sent(now time.Time) Ticket {
	c.sent++
	c.scatter--
	c.snapshot.Sent++
	// A timer's lateness is made up for, and a stall where the gate keeps to the
	// ceiling, but not an idle time.
	rate, late := c.rate, round/40
	if rate == c.config.Ceiling {
		rate, late = c.config.Aim(), round/8
	}
	c.due = later(c.due.Add(interval(rate)), now.Add(-late))
	c.block.flying = now
	return Ticket{sent: now, others: c.others, epoch: c.epoch, lone: c.block.on}
}

// Answered takes in the answer to an attempt for the row that b belongs to.
func (c *Controller) Answered(now time.Time, t Ticket, s Signal, b *blame.Row) {
	if t.lone = t.lone && t.epoch == c.epoch; t.lone && t.sent.Equal(c.block.flying) {
		c.block.flying = time.Time{}
	}
	if s.Concurrent > 0 {
		c.flight.most = min(c.flight.most, s.Concurrent)
	}
	if s.Quota > 0 && s.Quota != c.quota {
		c.quota = s.Quota
		c.cruise(now, unpaced)
	}
	switch s.Class {
	case Accepted:
		c.accepted(now, t, &s, b)
	case Throttled, Fault, Down, Unreachable:
		c.failed(now, t, &s, b)
	case Neutral:
	}
}

func (c *Controller) accepted(now time.Time, t Ticket, s *Signal, b *blame.Row) {
	c.proven, c.well, c.alone = true, true, false
	if t.lone && c.unwell { // what failed until now was the outage's doing
		c.failures.Drop()
	}
	c.failures.Answered(b, t.sent)
	c.flight.answered(now, s.Latency)
	c.flight.slots.accepted(now, t)
	c.credit = min(mostCredit, c.credit+refusalShare)
	switch {
	case c.block.on:
		if c.taken++; t.lone {
			c.open(now, t)
		}
	default:
		if !t.sent.Before(c.streak.sent) { // one sent earlier says nothing of a service that failed since
			c.streak.forget()
		}
		c.count(now, t, false)
	}
}

// failed takes in an attempt that failed.
func (c *Controller) failed(now time.Time, t Ticket, s *Signal, b *blame.Row) {
	untried, refused := !b.Tried(), s.Class.asksForFewer()
	b.Fail()
	if s.Class == Throttled {
		c.snapshot.Throttled++
	}
	if refused {
		if share := c.failures.RefusedAlways(b, t.sent, now); share > 0 {
			c.tolerate(share)
		}
	}
	if s.Class == Throttled && !c.block.on {
		if tried, found := c.flight.slots.refused(now, t); tried {
			return
		} else if found {
			c.searchAgain()
		}
	}
	// A service that has not answered yet may be short of quota, or starting.
	if s.Class != Unreachable && (!refused || c.well || c.alone || b.Suspect()) {
		c.failures.Add(b, t.sent)
	}
	switch {
	case c.block.on && t.lone:
		c.trialFailed(now, t, s)
		return
	case c.block.on:
		c.postpone(now, s.RetryAfter)
		return
	case t.epoch != c.epoch && (c.untried || s.Class == Throttled):
		return // it says nothing of this rate, but all the same where few are left to tell of an outage
	}
	if !refused || c.alone {
		c.count(now, t, false)
	}
	usual := c.floor.share
	if !refused {
		usual = c.failures.Faults()
	}
	c.failures.Failed(b, refused)
	evidence := untried || !c.untried && !b.Suspect()
	if c.alone && (c.untried || !c.well || !c.config.Asked) {
		c.failures.CountAll()
	}
	if refused && b.Suspect() {
		c.taken++ // that was not about the quota
	}
	if !evidence || c.alone && s.Class != Unreachable {
		return
	}
	c.streak.add(now, t, s.Class, b, usual, c.rate)
	switch {
	case c.streak.tells(c.untried || c.well), refused && s.RetryAfter > 0 && !c.doubted && c.floor.share == 0:
		c.stop(now, s, &c.streak)
	case refused:
		c.count(now, t, true)
	}
}

// tolerate takes in which share of the rows was found to be refused whatever the rate.
func (c *Controller) tolerate(share float64) {
	c.floor = floor{share: max(c.floor.share, min(share, mostFloor))}
	c.searchAgain()
}

// searchAgain looks for the quota anew, above this rate: what was refused was not
// about the rate.
func (c *Controller) searchAgain() {
	if c.rate < c.bounded(unpaced) {
		c.phase, c.good = searching, c.rate
	}
}

// count takes in an answer of a service that is not blocked: that the quota
// took the attempt, or that it refused it.
func (c *Controller) count(now time.Time, t Ticket, refused bool) {
	if !refused {
		c.taken++
	}
	if t.epoch != c.epoch {
		return
	}
	c.since.add(refused)
	if c.floor.saw(mark{now, c.taken}, c.rate, &c.since, refused) { // doubt of it may have kept the rate down
		c.credit, c.probeAt = max(1, c.credit), now
	}
	if refused {
		c.refused(now)
	}
	c.judge(now)
}

// judge looks at the round, and moves on if it was long enough.
func (c *Controller) judge(now time.Time) {
	took := now.Sub(c.round.at)
	least := max(round, 2*c.flight.base)
	if c.phase != searching && c.settled(now) {
		least = max(least, 2*c.dwell)
	}
	if c.phase == probing {
		least = max(least, c.dwell, 2*enough*interval(c.rate))
	}
	if took < least || c.taken-c.round.taken < 4 {
		return
	}
	// Whether it was the rate that limited sending, and not a want of rows or
	// of room in flight. Only then does a round that went well say anything.
	limiting := !c.paced() || float64(c.sent) >= 0.8*c.rate*took.Seconds()-2
	c.newRound(now)
	if limiting {
		c.raise(now)
	}
}

// settled reports that the rate has been about right for a while.
func (c *Controller) settled(now time.Time) bool {
	return !c.learnt.at.IsZero() && now.Sub(c.learnt.at) >= settles && c.taken-c.learnt.taken >= 4*enough
}

// cruise stays at a rate that is taken for good.
func (c *Controller) cruise(now time.Time, rate float64) {
	c.good, c.phase = rate, cruising
	c.setRate(c.bounded(rate))
	c.newRound(now)
}

func (c *Controller) setRate(rate float64) {
	if rate != c.rate {
		c.rate, c.since = rate, count{}
	}
}

func (c *Controller) newRound(now time.Time) {
	c.lately, c.round, c.sent = c.round, mark{now, c.taken}, 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func clamp[T cmp.Ordered](x, low, high T) T { return min(max(x, low), high) }

func interval(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }

func (c *Controller) paced() bool { return !math.IsInf(c.rate, 1) }

// bounded keeps a rate between the least one and what is allowed.
func (c *Controller) bounded(rate float64) float64 {
	if c.config.Ceiling > 0 {
		rate = min(rate, c.config.Ceiling)
	}
	if c.quota > 0 {
		rate = min(rate, margin*c.quota)
	}
	return max(rate, 0.01)
}
