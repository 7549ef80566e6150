package pace

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// makesUp is for how long a stall may last, of the machine or of the disk,
// without an attempt being lost to it: what could not go meanwhile goes after
// it, within what a second may have. Where many ceilings share a quota and one
// begins as another ends, their windows know nothing of each other, so there it
// is less than what the shares leave of the quota in a second; and calls of many
// machines arrive still more unevenly.
const (
	makesUp       = 50 * time.Millisecond
	sharedMakesUp = 20 * time.Millisecond
	sharedMargin  = 0.98
)

// Ceiling is the rate that the user allows, as a hard bound: no stretch of a
// second has more attempts than the rate, rounded up. It aims a hundredth below,
// so that this also holds where they arrive, some of them later than others. It
// takes the time as an argument, which must not run backwards, and is not safe
// for concurrent use.
//
// A limiter spaces the attempts out, and lets those go early that make up for a
// stall. That alone would pass the rate by as many in the second after it, so
// attempts are counted over a sliding window, too.
type Ceiling struct {
	limiter *rate.Limiter
	late    time.Duration // how late a token may be used that is reserved
	begun   bool
	taken   int // of the limiter's tokens, before the first attempt

	reserved bool
	due      time.Time // of the reserved token

	window time.Duration
	most   int         // attempts in a window
	sent   []time.Time // the attempts of the last window, oldest first
}

// Ceiling is the user's, for the place where attempts go out; nil for none. It
// counts apart from the controller.
func (c *Controller) Ceiling() *Ceiling { return newCeiling(c.config.Ceiling, c.config.Empty) }

// newCeiling returns a ceiling in attempts per second, nil for none. An empty
// one has no attempt ready: the first waits for its token as the others do.
func newCeiling(perSecond float64, empty bool) *Ceiling {
	if perSecond <= 0 {
		return nil
	}
	aim, late := margin*perSecond, makesUp
	if empty {
		aim, late = sharedMargin*perSecond, sharedMakesUp
	}
	burst := max(1, int(perSecond*late.Seconds()))
	c := &Ceiling{
		limiter: rate.NewLimiter(rate.Limit(aim), burst),
		late:    max(late, interval(aim)),
		taken:   burst,
		most:    int(math.Ceil(perSecond)),
	}
	c.window = time.Duration(float64(c.most) / aim * float64(time.Second))
	if !empty {
		c.taken--
	}
	return c
}

// Next is when the ceiling lets the next attempt go. It keeps one token
// reserved ahead of need, so that the next one is counted from when this one
// was due and not from when a timer happened to fire. A reservation that went
// stale while there was nothing to send is taken anew, or it would come on top
// of what the limiter saves up.
func (c *Ceiling) Next(now time.Time) time.Time {
	if c == nil {
		return now
	}
	if !c.begun {
		c.begun = true
		c.limiter.ReserveN(now, c.taken)
	}
	if !c.reserved || now.Sub(c.due) > c.late {
		c.due = now.Add(c.limiter.ReserveN(now, 1).DelayFrom(now))
		c.reserved = true
	}
	for len(c.sent) > 0 && now.Sub(c.sent[0]) >= c.window {
		c.sent = c.sent[1:]
	}
	if len(c.sent) < c.most {
		return c.due
	}
	return later(c.due, c.sent[0].Add(c.window))
}

// Take counts an attempt, which Next has let go.
func (c *Ceiling) Take(now time.Time) {
	if c == nil {
		return
	}
	c.reserved = false
	c.sent = append(c.sent, now)
	c.Next(now)
}
