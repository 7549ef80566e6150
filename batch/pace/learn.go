package pace

import (
	"math"
	"time"
)

// lesson is what one cycle says: from the end of one hold to the end of the
// next. Rates are in accepted calls per second.
type lesson struct {
	rate    float64 // before the hold
	took    float64 // seconds
	held    float64 // seconds of that
	calls   float64 // accepted
	whole   float64 // rate over the cycle; after trials in vain, over that up to the last of them
	sending float64 // rate over the part without the hold, or over the last minute
	minute  float64 // rate over the last minute
	first   bool    // nothing was learnt before
	long    bool    // calls are counted by a window of some length
}

func (c *Controller) lesson(now time.Time, blocked time.Duration) lesson {
	h := &c.hold
	l := lesson{
		rate:  c.rate,
		took:  now.Sub(c.cycle.at).Seconds(),
		held:  blocked.Seconds(),
		calls: float64(c.accepted - c.cycle.accepted),
		first: c.phase == searching || !c.paced(),
	}
	l.minute = c.recent.perSecond(now)
	l.sending = max(l.minute, l.calls/max(l.took-l.held, l.took/2))
	l.whole = l.calls / l.took
	if h.trials > 0 {
		l.whole = l.calls / h.refused.Sub(c.cycle.at).Seconds()
	}
	if !c.paced() {
		l.rate = max(l.whole, l.minute)
	}
	l.long = h.trials > 0 && l.held >= max(1, 20/l.rate) || h.asked >= 5*time.Second
	if c.series.holds == 1 {
		c.series.long, c.series.rate = l.long, l.whole
	}
	return l
}

// learn is the rate after a hold.
func (c *Controller) learn(now time.Time, l lesson) float64 {
	switch {
	case l.long && l.first:
		return clamp(margin*l.whole, 0.02*l.rate, margin*l.rate)
	case l.long:
		return clamp(margin*max(l.whole, l.minute), 0.3*l.rate, margin*l.rate)
	case c.phase == searching:
		return l.rate / searchStep * 0.95 // the round before went well
	case c.phase == probing:
		c.high, c.highAt = l.rate, now
		return between(c.base, l.sending)
	case c.series.holds == 1:
		c.high, c.highAt = 1.02*l.rate, now
		return between(l.rate, l.sending)
	case c.series.holds == 2 && c.settled:
		return c.second(now, l)
	default:
		return c.descend(l)
	}
}

// between is a rate below one that went well for a while, and towards what was
// accepted over a longer time.
func between(rate, accepted float64) float64 {
	return clamp(math.Sqrt(rate*accepted), 0.95*rate, margin*rate)
}

// second is the rate after a hold that follows closely on another. Where the
// cycle before them took far less than the present rate, the service had saved
// up, and the probes that led here said nothing: they have to last longer.
func (c *Controller) second(now time.Time, l lesson) float64 {
	if c.series.rate >= 0.8*l.rate {
		c.high, c.highAt = l.rate, now
		return 0.97 * l.rate
	}
	c.high = 0
	c.dwell = min(time.Minute, 2*max(c.dwell, 20*interval(l.rate)))
	return math.Sqrt(l.rate * c.series.rate)
}

// descend is the rate after one more hold of a series: the rate is far off.
// How much a service saves up in a hold is not known, so the estimates lie
// between counting the holds and not counting them.
func (c *Controller) descend(l lesson) float64 {
	n := float64(c.accepted - c.series.from.accepted)
	took := l.took + c.cycle.at.Sub(c.series.from.at).Seconds()
	estimate := (n + 1) / math.Sqrt(took*(took-c.series.held.Seconds()))
	switch {
	case c.series.long:
		estimate = max(estimate, margin*l.minute)
	case l.calls >= 20:
		estimate = margin * math.Sqrt(l.whole*l.sending)
	}
	least := 0.5
	if !c.settled {
		least = 0.35
	}
	return clamp(estimate, least*l.rate, 0.95*l.rate)
}

// planProbe says when the rate may be raised again, and how slowly.
func (c *Controller) planProbe(now time.Time, l lesson) {
	if l.long {
		c.dwell = max(c.dwell, min(time.Minute, time.Duration(l.took*float64(time.Second))))
	}
	wait := time.Duration(l.held / timeShare * float64(time.Second))
	c.step = firstStep
	switch {
	case l.long && l.first:
		wait = c.dwell
	case c.phase == searching:
		c.credit, c.step, wait = 1, 2*firstStep, 0
	case !c.settled:
		wait /= 5
	}
	c.probeAt = now.Add(min(5*time.Minute, wait))
	c.phase = cruising
}

func clamp(x, low, high float64) float64 { return min(max(x, low), high) }
