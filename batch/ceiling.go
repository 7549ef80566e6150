package batch

import (
	"math"
	"time"

	"golang.org/x/time/rate"

	"bulkonboard/batch/pace"
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
)

// ceiling is the rate that the user allows, as a hard bound: no stretch of a
// second has more attempts than the rate, rounded up. It aims a little below, so
// that this also holds where they arrive, some of them later than others. It
// takes the time as an argument, which must not run backwards, and is not safe
// for concurrent use.
//
// A limiter spaces the attempts out, and lets those go early that make up for a
// stall. That alone would pass the rate by as many in the second after it, so
// attempts are counted over a sliding window, too.
type ceiling struct {
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

// newCeiling returns the ceiling that a pace has, nil for none. One that is
// shared has no attempt ready: the first waits for its token as the others do.
func newCeiling(p pace.Config) *ceiling {
	if p.Ceiling <= 0 {
		return nil
	}
	aim, late := p.Aim(), makesUp
	if p.Shared {
		late = sharedMakesUp
	}
	burst := max(1, int(p.Ceiling*late.Seconds()))
	c := &ceiling{
		limiter: rate.NewLimiter(rate.Limit(aim), burst),
		late:    max(late, time.Duration(float64(time.Second)/aim)),
		taken:   burst,
		most:    int(math.Ceil(p.Ceiling)),
	}
	c.window = time.Duration(float64(c.most) / aim * float64(time.Second))
	if !p.Shared {
		c.taken--
	}
	return c
}

// next is when the ceiling lets the next attempt go. It keeps one token
// reserved ahead of need, so that the next one is counted from when this one
// was due and not from when a timer happened to fire. A reservation that went
// stale while there was nothing to send is taken again, or it would come on top
// of what the limiter saves up.
func (c *ceiling) next(now time.Time) time.Time {
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
	if full := c.sent[0].Add(c.window); full.After(c.due) {
		return full
	}
	return c.due
}

// take counts an attempt, which next has let go.
func (c *ceiling) take(now time.Time) {
	c.reserved = false
	c.sent = append(c.sent, now)
	c.next(now)
}
