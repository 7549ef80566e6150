package pace

import (
	"math"
	"time"
)

// double doubles the rate, up to one that is to be reached again.
func (c *Controller) double(now time.Time) {
	c.good = c.rate
	switch {
	case c.target > 0 && c.target <= c.rate:
		c.cruise(now, c.rate)
	case c.target > 0:
		c.setRate(c.bounded(min(c.target, 2*c.rate)))
	default:
		c.setRate(c.bounded(2 * c.rate))
	}
}

// mayProbe reports whether the rate may be raised to see whether more is taken:
// when it is paid for, and not soon again to where it was refused.
func (c *Controller) mayProbe(now time.Time) bool {
	if c.credit < 1 || now.Before(c.probeAt) || c.rate >= c.bounded(unpaced) {
		return false
	}
	return c.high == 0 || c.good < (1-step/2)*c.high || now.Sub(c.highAt) >= c.patience
}

// probe raises the rate by a step, or by half the distance to one that was
// refused not long ago.
func (c *Controller) probe() {
	from := max(c.good, c.rate)
	if c.high > 0 && from >= (1-step/2)*c.high {
		c.high, c.step = 0, step
	}
	raised := from * (1 + c.step)
	if c.high > 0 {
		raised = min(raised, (from+c.high)/2)
	}
	c.good, c.phase = from, probing
	c.setRate(max(c.rate, c.bounded(raised)))
}

// refusedAt remembers a rate that was too high. Each time that this is found
// again, it is believed for longer.
func (c *Controller) refusedAt(now time.Time, rate float64) {
	if c.phase == probing && c.settled {
		c.patience = min(2*c.patience, 9*settles)
	}
	if c.high == 0 || rate <= 1.1*c.high {
		c.high, c.highAt = rate, now
	}
}

// single takes in a refusal that is not one of a streak. More of them than are
// usual, or paid for, say that the rate is a little too high.
func (c *Controller) single(now time.Time) {
	tolerated := c.floor.tolerated(&c.since)
	if c.phase == searching {
		tolerated += 1 + c.since.calls/10
	}
	switch {
	case c.since.refused <= tolerated:
		return
	case c.settled && c.phase == cruising && c.credit >= 1:
		c.credit--
		return
	}
	c.floor.doubt()
	c.spend()
	c.epoch++
	if c.phase == cruising {
		if !c.restore(now) {
			c.lower(now)
		}
		return
	}
	c.refusedAt(now, c.rate)
	if c.phase == searching {
		c.good = c.rate / 2
		c.learns(now)
	}
	c.exhausted(now)
	c.step = step
	c.cruise(now, c.good)
}

// restore goes back to a rate that was cut in vain.
func (c *Controller) restore(now time.Time) bool {
	back := c.floor.found(mark{now, c.taken})
	if back > 0 {
		c.credit = max(c.credit, 1)
		c.cruise(now, back)
	}
	return back > 0
}

// lower cuts a rate that was refused though nothing was tried: to what was taken
// since the last refusal, and further each time that did not help.
func (c *Controller) lower(now time.Time) {
	most := 1 - step/2
	if c.floor.from > 0 {
		most = 0.95
	}
	c.learns(now)
	c.refusedAt(now, c.rate)
	measured, ok := c.exhausted(now)
	c.floor.cut(mark{now, c.taken}, c.rate)
	if !ok {
		measured = c.rate
	}
	c.cruise(now, clamp(measured, 0.5*c.rate, most*c.rate))
}

// spend takes a refusal off the credit, once the rate is about right: until then
// it is the price of finding it.
func (c *Controller) spend() {
	if c.settled {
		c.credit = max(-mostCredit, c.credit-1)
	}
}

// learns takes in that a rate is known for the first time.
func (c *Controller) learns(now time.Time) {
	if c.learnt.IsZero() {
		c.learnt = now
		c.credit, c.step = 1, 2*step
	}
}

// exhausted takes in that the quota was used up just now, and reports how many
// calls a second were taken since it was the last time.
func (c *Controller) exhausted(now time.Time) (perSecond float64, ok bool) {
	at := mark{now, c.taken}
	if !c.drained {
		c.drained, c.spent = true, at
		return 0, false
	}
	perSecond = c.spent.perSecond(at)
	if perSecond == 0 || now.Sub(c.spent.at) < c.dwell/2 {
		return 0, false
	}
	c.spent = at
	return perSecond, true
}

// open ends a block, and sets the rate by what was learnt.
func (c *Controller) open(now time.Time, t Ticket) {
	b := c.block
	quick := b.trials == 0
	c.hinted = b.asked > 0 || b.early
	switch {
	case quick && (b.early || b.asked > 0 && b.doubtful):
		c.doubted = true
	case !quick && b.asked > 0:
		c.doubted = false
	}
	switch {
	case b.throttle:
		c.learn(now, &b)
	case b.trials > 0:
		c.recovered(&b)
	default:
		c.streak.alarms++
	}
	c.endBlock(now)
	c.proceed(now)
	if c.paced() {
		c.due = later(now, t.sent.Add(interval(c.rate)))
	}
}

// proceed lets sending begin again.
func (c *Controller) proceed(now time.Time) {
	c.epoch++
	c.due = now
	c.newRound(now)
}

// recovered sets the rate after an outage: a quarter of what it was before, to
// double back from.
func (c *Controller) recovered(b *block) {
	sending := b.began.Sub(c.cycle.at).Seconds()
	measured := max(firstRate, float64(c.taken-c.cycle.taken)/max(sending, 0.001))
	c.cycle = mark{b.last, c.taken}
	c.spent = c.cycle
	if !c.paced() { // that may be what it broke down under
		c.good = measured
		c.setRate(c.bounded(measured / 4))
	} else {
		if c.target == 0 && c.phase == searching {
			c.target = min(max(c.rate, b.rate), measured)
		} else if c.target == 0 {
			c.target = max(c.good, b.rate)
		}
		c.setRate(c.bounded(c.target / 4))
	}
	c.phase = searching
}

// learn sets the rate after the service has refused. From the end of one block
// to the end of the next it took exactly its quota, whatever way it counts.
func (c *Controller) learn(now time.Time, b *block) {
	was, phase := c.rate, c.phase
	took, held := now.Sub(c.cycle.at).Seconds(), now.Sub(b.began)
	calls := float64(c.taken - c.cycle.taken)
	first := c.learnt.IsZero()
	if !c.paced() {
		was = calls / max(0.001, took-held.Seconds())
	}
	long := calls >= enough && (b.trials > 0 || b.asked > 0 && !b.doubtful) && held >= max(2*round, 20*interval(was))
	c.spend()
	c.learns(now)
	c.planProbe(now, held, phase == searching)
	if phase != cruising {
		c.refusedAt(now, was)
		c.step = step
	}
	quick := b.trials == 0
	quiet := quick && (first || b.began.Sub(c.cycle.at) > settles)
	if quick {
		c.scatter = 20 * enough
		if !quiet {
			c.scatter = 200 * enough
		}
	}
	switch {
	case quiet && phase == cruising: // it may have been the rows' own: more has to be seen
		c.exhausted(b.began)
	case long:
		c.window(now, b, was, first)
	case phase == searching:
		c.exhausted(b.began)
		c.step = 2 * step
		c.cruise(now, 0.95*clamp(c.good, was/2, was))
	case phase == probing:
		c.exhausted(b.began)
		c.cruise(now, c.good)
	default:
		measured, ok := c.exhausted(b.began)
		c.floor.cut(mark{now, c.taken}, was)
		if !ok { // it is used up still, or the rate is far off and more has to be seen
			measured = was
		} else {
			c.refusedAt(now, was)
		}
		c.cruise(now, clamp(measured, 0.5*was, was))
	}
	if calls >= enough {
		c.cycle = mark{now, c.taken}
	}
}

// window sets the rate after a long block: calls are counted by a window, and
// what was taken until the last trial in vain is an upper bound of it.
func (c *Controller) window(now time.Time, b *block, was float64, first bool) {
	calls, took := float64(c.taken-c.cycle.taken), now.Sub(c.cycle.at)
	whole := calls / took.Seconds()
	upper := whole
	if b.trials > 0 {
		upper = calls / max(0.001, b.last.Sub(c.cycle.at).Seconds())
	}
	least := 0.3
	if first {
		least = 0.02
	}
	c.dwell = max(c.dwell, min(6*settles, took))
	c.spent = mark{now, c.taken}
	c.high = 0
	c.cruise(now, clamp(math.Sqrt(whole*upper), least*was, margin*was))
}

// planProbe says when the rate may be raised again.
func (c *Controller) planProbe(now time.Time, held time.Duration, first bool) {
	switch {
	case first:
		c.probeAt = now
	case c.settled:
		c.probeAt = now.Add(held * restShare)
	default:
		c.probeAt = now.Add(held * restShare / 10)
	}
}

func clamp(x, low, high float64) float64 { return min(max(x, low), high) }
