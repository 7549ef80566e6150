package pace

import (
	"math"
	"time"
)

// The rules, and what each is for. The figures are those of the matrix in the
// tests ("make bench-pace").
//
//   - Search. The rate grows by half a round, a round being a second or more,
//     as long as it is the rate that limits sending. The quota of most
//     services is found within ten seconds.
//   - Hold. After a 429 nothing is sent, for as long as the service asks, or
//     else for as long as one call takes at the present rate, twice that after
//     each trial in vain. Then one trial goes, alone. Answers to attempts that
//     were sent before the hold change nothing. So a service that counts
//     refused calls too is not kept busy refusing (429 below 1 %). Until a rate
//     has stood the test of time, one attempt may be in flight after a hold, and
//     one more for each answer (429 of services that take little).
//   - Learn. From the end of one hold to the end of the next a service takes
//     exactly its quota, whatever way it counts: bucket, window or log. The
//     new rate follows from what was accepted in that cycle, and the more so
//     the closer one hold follows on another (share of the quota; quotas that
//     step down).
//   - Long blocks. Where trials were in vain for a while, calls are counted by
//     the window: what was accepted until the last trial in vain is an upper
//     bound of its quota, and all probing has to be as slow as the window
//     (windows and logs of a minute and of an hour).
//   - Probe. From time to time the rate is raised a step, and a larger step
//     each time that goes well; below a rate that was refused not long ago,
//     by half the distance to it. Each 429 costs credit that accepted calls
//     earn, and each hold costs waiting time in proportion, so both stay a
//     small share at any quota (quotas that step up).
//   - What the service says of its quota is an upper bound, and where to start.
//   - Outage. Six failures in a row, of several rows, stop all sending but for
//     single canaries at most 15 s apart (calls sent into an outage; recovery),
//     and nobody is charged for them (no row lost). After it the search begins
//     anew, from a quarter of the rate. See outage.go and blame.go.
//   - In flight there is room for twice what the rate and the service's quickest
//     answers ask for, and more only if that brings more (a service that slows
//     down under load). See flight.go.
//   - The user's ceiling is never passed, whatever the rate. See ceiling.go.
const (
	firstRate  = 5.0  // attempts per second, when nothing is known
	leastRate  = 0.01 // below which the pace never falls
	searchStep = 1.5
	margin     = 0.99 // of a quota that is known: clocks and arrival times differ

	leastHold  = 100 * time.Millisecond
	mostHold   = time.Minute
	holdGrowth = 2

	closeBy      = 200              // accepted calls: holds with fewer in between are one series
	settles      = 50               // accepted calls in a cycle, after which the rate is about right
	settlesAfter = 10 * time.Second // and so much time

	creditPerAccepted = 0.0022 // so that probing costs fewer than that share in 429s
	mostCredit        = 1.5
	leastCredit       = -2.0
	timeShare         = 0.01 // of all time, that holds brought about by probing may take

	firstStep = 0.03
	mostStep  = 0.25
	leastStep = 0.01
	fresh     = 10 * time.Minute // how long a rate that was refused is remembered
)

// phase is what the pace does while nothing holds it.
type phase int

const (
	searching phase = iota
	cruising
	probing
)

// Controller is the pace of one endpoint.
type Controller struct {
	config  Config
	ceiling *Ceiling
	flight  flight
	outage  outage
	docket  docket
	hold    hold
	flying  bool // a trial or a canary is under way

	phase phase
	rate  float64   // attempts per second aimed at; unpaced for no limit
	due   time.Time // of the next attempt at that rate
	quota float64   // that the service says it takes; 0 when it does not

	// A round is a stretch long enough to judge the rate by.
	round         time.Time
	roundSent     int
	roundAccepted int

	accepted int64 // by the quota: answered, and not with a 429
	recent   recent
	cycle    mark   // the end of the last hold, or the start
	settled  bool   // a whole cycle of some length was accepted at this rate
	series   series // of holds that follow closely on one another

	base    float64 // the rate before the probe
	step    float64
	high    float64 // a rate that was refused; 0 for none
	highAt  time.Time
	credit  float64
	dwell   time.Duration // how long a probe lasts at least
	probeAt time.Time

	ended    error
	told     float64 // the rate that was last reported
	snapshot Snapshot
}

// mark is a moment, and what had been accepted by then.
type mark struct {
	at       time.Time
	accepted int64
}

// New returns a controller.
func New(c Config) *Controller {
	p := &Controller{config: c, ceiling: newCeiling(c.Ceiling, c.Empty), flight: flight{most: c.MaxInFlight}, step: firstStep, dwell: 2 * time.Second}
	switch {
	case c.Search && c.Start > 0:
		p.rate, p.phase, p.credit = c.Start, cruising, 1
	case c.Search:
		p.rate = firstRate
	case c.Ceiling > 0:
		p.rate, p.phase = c.Ceiling, cruising
	default:
		p.rate, p.phase = unpaced, cruising
	}
	p.told = p.rate
	return p
}

// Resume begins where an interrupted run had found the pace, unless something
// better is known. It must come before the first verdict.
func (c *Controller) Resume(perSecond float64) {
	if c.config.Search && c.config.Start == 0 && perSecond > 0 {
		c.rate, c.phase, c.credit = perSecond, cruising, 1
		c.told = c.rate
	}
}

// Next reports whether an attempt may be sent now, with inFlight under way.
func (c *Controller) Next(now time.Time, inFlight int) Verdict {
	if c.cycle.at.IsZero() {
		c.cycle.at, c.round, c.due = now, now, now
	}
	switch {
	case c.ended != nil:
		return Verdict{End: c.ended}
	case c.outage.open || c.hold.on:
		return c.lone(now, inFlight)
	case c.flight.full(inFlight, c.rate) || c.feeling(inFlight):
		return Verdict{}
	}
	return verdict(now, later(c.ceiling.Next(now), c.due))
}

// feeling reports that no more should be in flight than answers have come since
// the last hold, and one: while the rate is far off, all that are would be
// refused together.
func (c *Controller) feeling(inFlight int) bool {
	return c.hold.epoch > 0 && !c.settled && c.quota == 0 && c.phase != searching && int64(inFlight) > c.accepted-c.cycle.accepted
}

// lone is the verdict in a hold or an outage: one attempt, alone.
func (c *Controller) lone(now time.Time, inFlight int) Verdict {
	at, since := c.hold.until, c.hold.began
	if c.outage.open {
		at, since = c.outage.canaryAt, c.outage.since
	}
	var giveUp time.Time // never
	if c.config.MaxOutage > 0 {
		giveUp = since.Add(c.config.MaxOutage)
	}
	switch {
	case !giveUp.IsZero() && !now.Before(giveUp):
		c.ended = &OutageError{Since: since, Held: !c.outage.open, Cause: c.outage.cause}
		return Verdict{End: c.ended}
	case c.flying || inFlight >= c.flight.most:
		return Verdict{At: giveUp}
	}
	return verdict(now, later(c.ceiling.Next(now), at))
}

func verdict(now, at time.Time) Verdict {
	if at.After(now) {
		return Verdict{At: at}
	}
	return Verdict{Send: true}
}

// Sent must follow a verdict to send, once the attempt goes out. The ticket
// goes with the attempt, to Answered.
func (c *Controller) Sent(now time.Time) Ticket {
	c.ceiling.Take(now)
	c.roundSent++
	c.snapshot.Sent++
	switch {
	case c.rate == c.config.Ceiling: // which spaces the attempts out
		c.due = now
	case c.paced():
		// A timer's lateness is made up for, an idle time is not.
		c.due = later(c.due.Add(interval(c.rate)), now.Add(-10*time.Millisecond))
	}
	c.flying = c.outage.open || c.hold.on
	return Ticket{sent: now, epoch: c.hold.epoch, lone: c.flying}
}

// Answered takes in the answer to an attempt for the row that b belongs to.
func (c *Controller) Answered(now time.Time, t Ticket, s Signal, b *Blame) {
	if t.lone {
		c.flying = false
	}
	c.hear(now, &s)
	switch s.Class {
	case Accepted:
		c.docket.answered(b)
		c.flight.answered(now, s.Latency)
		c.credit = min(mostCredit, c.credit+creditPerAccepted)
		if c.outage.open {
			if t.lone {
				c.recovered(now, t)
			}
			break
		}
		c.outage.answered(t)
		c.countTaken(now, t)
	case Throttled:
		c.throttled(now, t, &s)
	case Fault, Down, Unreachable:
		c.failed(now, t, &s, b)
	case Neutral:
	}
	c.tellRate()
}

// hear takes in what the service says of itself.
func (c *Controller) hear(now time.Time, s *Signal) {
	asks := s.Class == Throttled || s.Class == Down
	if asks && c.config.MaxWait > 0 && s.RetryAfter > c.config.MaxWait {
		c.ended = &WaitError{Until: now.Add(s.RetryAfter)}
	}
	if s.Concurrent > 0 {
		c.flight.most = min(c.flight.most, s.Concurrent)
	}
	if s.Quota > 0 && s.Quota != c.quota {
		c.quota = s.Quota
		c.rate = c.bounded(unpaced)
		c.cruise(now)
	}
}

// countTaken takes in that the quota took an attempt, whatever came of it.
func (c *Controller) countTaken(now time.Time, t Ticket) {
	c.accepted++
	c.roundAccepted++
	c.recent.add(now)
	c.settled = c.settled || c.phase != searching && c.accepted-c.cycle.accepted >= settles && now.Sub(c.cycle.at) >= settlesAfter
	switch {
	case !c.hold.on:
		c.judge(now)
	case t.lone:
		c.unblock(now, t)
	}
}

// judge looks at the round, and moves on if it was long enough.
func (c *Controller) judge(now time.Time) {
	took, least, calls := now.Sub(c.round), time.Second, 0
	switch c.phase {
	case searching:
		least, calls = max(time.Second, c.flight.base*3/2), 4
	case probing:
		least, calls = max(c.dwell, 2*c.flight.base, 20*interval(c.rate)), 10
	case cruising:
	}
	if took < least || c.roundAccepted < calls {
		return
	}
	// Whether it was the rate that limited sending, and not a want of rows or
	// of room in flight. Only then does a round that went well say anything.
	limiting := !c.paced() || float64(c.roundSent) >= 0.8*c.rate*took.Seconds()-2
	c.newRound(now)
	switch {
	case c.phase == searching && limiting:
		c.rate = c.bounded(c.rate * searchStep)
	case c.phase == probing && !limiting:
		c.rate, c.phase = c.base, cruising
	case c.phase == probing:
		c.step = min(mostStep, 2*c.step)
		c.probe(now)
	case c.phase == cruising && limiting && c.credit >= 1 && !now.Before(c.probeAt) && c.rate < c.bounded(unpaced):
		c.probe(now)
	}
}

// probe raises the rate by a step. Not by more than half above what the last
// minute took: a service that saved up while it was asked for less would seem
// to take any rate.
func (c *Controller) probe(now time.Time) {
	if now.Sub(c.highAt) > fresh || c.rate >= 0.985*c.high {
		c.high = 0
	}
	raised := c.rate * (1 + c.step)
	if c.high > 0 {
		raised = min(raised, max((c.rate+c.high)/2, c.rate*(1+leastStep)))
	}
	raised = c.bounded(min(raised, 1.5*c.recent.perSecond(now)))
	c.base, c.rate, c.phase = c.rate, max(c.rate, raised), probing
}

func (c *Controller) cruise(now time.Time) {
	c.phase = cruising
	c.newRound(now)
}

func (c *Controller) newRound(now time.Time) {
	c.round, c.roundSent, c.roundAccepted = now, 0, 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func interval(rate float64) time.Duration {
	return time.Duration(float64(time.Second) / rate)
}

func (c *Controller) paced() bool { return !math.IsInf(c.rate, 1) }

// bounded keeps a rate between the least one and what is allowed.
func (c *Controller) bounded(rate float64) float64 {
	if c.config.Ceiling > 0 {
		rate = min(rate, c.config.Ceiling)
	}
	if c.quota > 0 {
		rate = min(rate, margin*c.quota)
	}
	return max(rate, leastRate)
}
