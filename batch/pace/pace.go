// Package pace decides when the next attempt may be sent. There is one
// controller for an endpoint, used by the one goroutine that dispatches: it
// takes the time as an argument, keeps no clock, takes no lock and starts no
// goroutine.
package pace

import (
	"time"

	"golang.org/x/time/rate"
)

// Class is what an answer says about the service.
type Class int

// The classes of answers.
const (
	Accepted  Class = iota // the service processed the call, whatever it answered to the customer
	Throttled              // 429: not processed
	Fault                  // 500: this call failed, perhaps processed
	Down                   // the service as a whole does not answer
	Neutral                // says nothing about the service
)

// Signal is one answer, as the pace sees it.
type Signal struct {
	Class      Class
	RetryAfter time.Duration // what the service asked for; 0 for nothing
}

// Verdict is the answer to "may the next attempt be sent?".
type Verdict struct {
	Send bool
	At   time.Time // not before; zero when only an answer can change anything
}

// Snapshot is how the pace stands.
type Snapshot struct {
	Throttled int64         // answers 429
	Held      time.Duration // time in which nothing was sent after a 429
}

// Config is what the user set.
type Config struct {
	Ceiling     float64 // attempts per second at most; 0 for none
	MaxInFlight int
}

// defaultHold is how long nothing is sent after a 429 that names no time.
const defaultHold = time.Second

// Controller is the pace of one endpoint.
type Controller struct {
	config    Config
	ceiling   *rate.Limiter
	reserved  *rate.Reservation
	due       time.Time // of the reservation
	holdUntil time.Time
	snapshot  Snapshot
}

// New returns a controller that starts at the ceiling.
func New(c Config) *Controller {
	p := &Controller{config: c}
	if c.Ceiling > 0 {
		p.ceiling = rate.NewLimiter(rate.Limit(c.Ceiling), 1)
	}
	return p
}

// Next reports whether an attempt may be sent now, with inFlight under way.
func (c *Controller) Next(now time.Time, inFlight int) Verdict {
	if inFlight >= c.config.MaxInFlight {
		return Verdict{}
	}
	at := c.holdUntil
	if due := c.reserve(now); due.After(at) {
		at = due
	}
	if at.After(now) {
		return Verdict{At: at}
	}
	return Verdict{Send: true}
}

// reserve keeps one token of the ceiling reserved ahead of need, so that the
// next one is counted from when this one was due and not from when a timer
// happened to fire. A reservation that went stale while there was nothing to
// send is taken anew, or it would let two attempts go at once.
func (c *Controller) reserve(now time.Time) time.Time {
	if c.ceiling == nil {
		return now
	}
	interval := time.Duration(float64(time.Second) / c.config.Ceiling)
	if c.reserved == nil || now.Sub(c.due) > interval {
		c.reserved = c.ceiling.ReserveN(now, 1)
		c.due = now.Add(c.reserved.DelayFrom(now))
	}
	return c.due
}

// Sent must follow a verdict to send, once the attempt goes out.
func (c *Controller) Sent(now time.Time) {
	c.reserved = nil
	c.reserve(now)
}

// Answered takes in an answer and reports whether the attempt counts against
// its row. A throttled attempt never does: it was not processed, and that was
// not the row's doing.
func (c *Controller) Answered(now time.Time, s Signal) (charged bool) {
	if s.Class != Throttled {
		return s.Class != Accepted && s.Class != Neutral
	}
	c.snapshot.Throttled++
	hold := s.RetryAfter
	if hold <= 0 {
		hold = defaultHold
	}
	if until := now.Add(hold); until.After(c.holdUntil) {
		if c.holdUntil.After(now) {
			c.snapshot.Held += until.Sub(c.holdUntil)
		} else {
			c.snapshot.Held += hold
		}
		c.holdUntil = until
	}
	return false
}

// Snapshot tells how the pace stands.
func (c *Controller) Snapshot() Snapshot { return c.snapshot }
