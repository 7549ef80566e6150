package pace

import (
	"math"
	"time"
)

// mark is a moment, and what had been taken by then.
type mark struct {
	at    time.Time
	taken int64
}

// perSecond is how much was taken from one mark to another; 0 when that is less
// than it takes to tell.
func (m mark) perSecond(to mark, least int64) float64 {
	if calls, took := to.taken-m.taken, to.at.Sub(m.at); calls >= least && took >= round {
		return float64(calls) / took.Seconds()
	}
	return 0
}

// raise takes in a round that went well.
func (c *Controller) raise(now time.Time) {
	was := c.rate
	switch {
	case c.alone && was >= c.good:
	case c.phase == searching && was < c.good: // on its way back to a rate that went well
		if c.setRate(c.bounded(min(c.good, 2*was))); c.rate >= c.good {
			c.cruise(now, c.good)
		}
	case c.phase == searching:
		c.good = was
		c.setRate(c.bounded(2 * was))
	case c.credit >= 1 && !now.Before(c.probeAt) && was < c.bounded(unpaced):
		if c.phase == probing {
			c.step = min(8*firstStep, 2*c.step)
		} else if c.sure = 0; now.Sub(c.spent.at) >= settles {
			c.sure = was
		}
		c.good, c.phase = was, probing
		c.setRate(c.bounded(was * (1 + c.step)))
	case c.phase == probing:
		c.cruise(now, was)
	}
}

// refused takes in a refusal that is not one of a streak. More of them than are
// usual, or paid for, say that the rate is a little too high.
func (c *Controller) refused(now time.Time) {
	if c.phase == cruising {
		if back := c.floor.found(mark{now, c.taken}); back > 0 { // it was cut in vain
			c.epoch++
			c.cruise(now, back)
			return
		}
	}
	tolerated := c.floor.tolerated(&c.since)
	if c.phase == searching {
		tolerated += 1 + c.since.calls/10
	}
	switch {
	case c.since.refused <= tolerated:
		return
	case c.settled(now) && c.phase == cruising && c.credit >= 1:
		c.credit--
		return
	}
	if f := &c.floor; f.onTrial { // so soon after it was found, that says that it was none
		f.share, f.onTrial = f.before, false
	}
	c.spend(now, 0)
	c.epoch++
	c.lower(now, mark{now, c.taken}, c.rate)
}

// spend takes a refusal off the credit, and puts off the next probe by many times
// what it cost. Until the rate is about right, that is the price of finding it.
func (c *Controller) spend(now time.Time, held time.Duration) {
	switch {
	case c.settled(now):
		c.credit = max(-1, c.credit-1)
		c.probeAt = now.Add(max(5*settles/2, restShare*held))
	case c.phase == searching:
		c.probeAt = now.Add(enough * c.block.overAsked())
	default:
		c.probeAt = now.Add(enough * held)
	}
}

// lower takes in that the quota was used up at a time. A rate that was raised goes
// back to the rate that went well. Otherwise the new rate is what was taken since the
// quota was used up the last time, or what went well for long, and a little less at least.
func (c *Controller) lower(now time.Time, at mark, was float64) {
	measured := c.usedUp(at)
	switch c.phase {
	case searching:
		c.step = 2 * firstStep
		rate, least := 0.95*c.good, int64(enough/2)
		if c.block.asked > 0 { // a wait in whole seconds blurs what few calls say
			least = enough
		}
		if taken := c.lately.perSecond(mark{now.Add(-c.block.overAsked()), c.taken}, least); taken > 0 {
			rate = min(rate, max(taken, was/8))
		}
		c.cruise(now, rate)
	case probing:
		c.step = firstStep
		c.cruise(now, c.good)
	case cruising:
		if f := &c.floor; was > f.from { // whether this cures it is seen from now on
			f.from, f.began, f.took, f.low = was, mark{now, c.taken}, 0, count{}
		}
		if measured > 0 {
			was = min((1-firstStep/2)*was, max(measured, was/2, c.sure))
			c.sure = 0
		}
		c.cruise(now, was)
	}
}

// usedUp takes in that the quota was used up, and returns how many calls a
// second were taken since it was the last time; 0 when that is not known. What a
// service had saved up for the start says nothing.
func (c *Controller) usedUp(now mark) (perSecond float64) {
	if c.learnt.at.IsZero() {
		c.learnt, c.spent = now, now
		c.credit = 1
		return 0
	}
	least := c.dwell / 2
	if c.settled(now.at) { // a rate that is about right is not left for what a moment says
		least = c.dwell
	}
	if perSecond = c.spent.perSecond(now, enough/2); perSecond == 0 || now.at.Sub(c.spent.at) < least {
		return 0
	}
	c.spent = now
	return perSecond
}

// open ends a block, and sets the rate by what was learnt.
func (c *Controller) open(now time.Time, t Ticket) {
	b := c.block
	quick := b.trials == 0
	if b.early || b.asked > 0 {
		c.asked = now
		c.dwell = max(c.dwell, min(b.asked, settles/10))
		c.doubted = quick && b.early
	}
	switch {
	case b.throttle:
		c.learn(now, &b)
	case !quick: // or it was a false alarm
		c.recovered(&b)
	}
	c.endBlock(now)
	if c.paced() {
		c.due = later(now, t.sent.Add(interval(c.rate)))
	}
}

// recovered sets the rate after an outage: a quarter of what it was before, to
// double back from.
func (c *Controller) recovered(b *block) {
	switch {
	case !c.paced(), c.phase == searching && c.good <= c.rate:
		c.good = min(b.rate, c.before(b))
	case c.phase != searching:
		c.good = max(c.good, b.rate)
	}
	c.cycle = mark{b.last, c.taken}
	c.spent = c.cycle
	c.backOff()
}

// before is how many calls a second were taken before a block.
func (c *Controller) before(b *block) float64 {
	took := max(round, b.began.Sub(c.cycle.at)).Seconds()
	return max(firstRate, float64(c.taken-c.cycle.taken)/took)
}

// backOff has the rate double from a quarter of the rate that went well.
func (c *Controller) backOff() {
	c.setRate(c.bounded(c.good / 4))
	c.phase, c.floor.from = searching, 0
}

// learn sets the rate after the service has refused. From the end of one block
// to the end of the next it took exactly its quota, whatever way it counts.
func (c *Controller) learn(now time.Time, b *block) {
	held := now.Sub(b.began)
	whole := c.cycle.perSecond(mark{now, c.taken}, enough)
	was := c.rate
	if !c.paced() {
		was = c.before(b)
	}
	quick := b.trials == 0
	if quick {
		c.scatter = 200 * enough
	}
	c.spend(now, held)
	switch {
	case quick && c.phase == cruising && b.began.Sub(c.cycle.at) > settles:
		c.usedUp(mark{b.began, b.taken}) // the refusals may have been the rows' own
	case whole > 0 && !quick && held >= max(2*round, 2*enough*interval(was)):
		c.window(now, b, was, whole)
	default:
		c.lower(now, mark{b.began, b.taken}, was)
	}
	if whole > 0 {
		c.cycle = mark{now, c.taken}
	}
}

// window sets the rate after a long block: calls are counted by a window, and
// what was taken until the last refusal is an upper bound of it.
func (c *Controller) window(now time.Time, b *block, was, whole float64) {
	upper := c.cycle.perSecond(mark{b.last, c.taken}, enough)
	c.dwell = max(c.dwell, min(6*settles, now.Sub(c.cycle.at)))
	c.usedUp(mark{now, c.taken})
	c.spent = mark{now, c.taken}
	least := 0.02 * was
	if b.early { // what was in vain may have been trials of bad rows
		least = was / 8
	}
	c.cruise(now, clamp(math.Sqrt(whole*max(whole, upper)), least, margin*was))
}
