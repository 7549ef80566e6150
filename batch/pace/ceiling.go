package pace

import (
	"time"

	"golang.org/x/time/rate"
)

// Gate is a limiter of its own at the ceiling, for the place where attempts go
// out. It is safe for concurrent use.
func (c *Controller) Gate() *rate.Limiter {
	if c.config.Ceiling > 0 {
		gate := rate.NewLimiter(rate.Limit(c.config.Ceiling), 1)
		if c.config.Empty {
			gate.Allow()
		}
		return gate
	}
	return rate.NewLimiter(rate.Inf, 1)
}

// ceiling is the rate that the user allows, as a hard bound.
type ceiling struct {
	limiter  *rate.Limiter // nil for no ceiling
	interval time.Duration
	empty    bool // the first attempt waits for its token as the others do
	reserved bool
	due      time.Time // of the reserved token
}

func newCeiling(perSecond float64, empty bool) ceiling {
	if perSecond <= 0 {
		return ceiling{}
	}
	return ceiling{
		limiter:  rate.NewLimiter(rate.Limit(perSecond), 1),
		interval: time.Duration(float64(time.Second) / perSecond),
		empty:    empty,
	}
}

// next is when the ceiling lets the next attempt go. It keeps one token
// reserved ahead of need, so that the next one is counted from when this one
// was due and not from when a timer happened to fire. A reservation that went
// stale while there was nothing to send is taken anew, or it would let two
// attempts go at once.
func (c *ceiling) next(now time.Time) time.Time {
	if c.limiter == nil {
		return now
	}
	if c.empty {
		c.empty = false
		c.limiter.ReserveN(now, 1)
	}
	if !c.reserved || now.Sub(c.due) > c.interval {
		c.due = now.Add(c.limiter.ReserveN(now, 1).DelayFrom(now))
		c.reserved = true
	}
	return c.due
}

// take uses the reserved token up.
func (c *ceiling) take(now time.Time) {
	c.reserved = false
	c.next(now)
}
