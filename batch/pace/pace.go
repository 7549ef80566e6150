// Package pace decides when the next attempt may be sent, which rows it may be
// for, and how many may be under way. There is one controller for an endpoint, used
// by the one goroutine that dispatches: it takes the time as an argument, keeps no
// clock, takes no lock and starts no goroutine.
//
// The rules, one sentence each, and the cells of the matrix that need them:
//
//   - Rounds: while a round goes well and it is the rate that limits sending, the
//     rate grows: it doubles while nothing is known, and later rises by small
//     steps that credit pays for (learn.go; every unknown quota, and steps).
//   - Block: when untried rows fail one after another, more of them than chance explains,
//     only trials are sent, one at a time unless it hangs, and soon another where one fails
//     in a new way (block.go; outages, 500s after a mixed one, bad rows).
//   - Waits: what the service asks for is obeyed, and half a second of it is taken
//     for too long; asked for again too soon, one trial shows whether others need
//     wait, and where rows are known to be refused always, they need not (block.go,
//     learn.go; Retry-After on windows of a second, always 60 s, lists with bad rows).
//   - Learn: between two blocks a service took exactly its quota, so what it took in that
//     time is the new rate, unless more went well for long (learn.go; buckets, windows).
//   - Floor: a share of refusals that cutting the rate does not cure, or that is the
//     same rows each time, is not about the rate, which goes up again (floor.go, package
//     blame; refused at random, lists with bad rows).
//   - Windows: where trials were in vain for long, calls are counted by a window,
//     and steps become as slow as that window (learn.go; windows of a minute).
//   - Whose fault: a failure counts against its row when another row succeeded
//     meanwhile, or, where no untried row is left, the service did well when it was
//     asked about itself, and the row is at fault once chance alone would hardly fail
//     it as often (package blame, block.go; lists with bad rows, 500s).
//   - In flight there is room for what the rate and the service's quickest answers
//     ask for, up to what the user or the service says (flight.go; at once, latency 2 s),
//     or refusals tell that met more in flight than other calls (slots.go; others 429).
//   - The user's ceiling, and a quota that the service names, bound the rate
//     (controller.go; RateLimit). Package batch holds the ceiling as a hard bound,
//     right before an attempt goes out.
package pace

import (
	"math"
	"time"
)

// The constants of the rules. Every other number follows from these.
const (
	firstRate    = 5.0                    // attempts per second, when nothing is known
	margin       = 0.99                   // of a quota that is known: clocks and arrival times differ
	firstStep    = 0.025                  // by which a rate that went well is raised
	round        = 400 * time.Millisecond // in which a rate is judged, at the least
	settles      = 10 * time.Second       // after which a rate is about right
	enough       = 10                     // calls to measure by
	refusalShare = 0.0025                 // of all calls, that may be refused for finding out more
	mostCredit   = 3.0                    // refusals that are saved up at the most
	restShare    = 100                    // how many times as long as a block no probe is made after it
	inARow       = 6                      // failures of untried rows that are the service's
	mostCanary   = 15 * time.Second       // between two trials in an outage
	mostFloor    = 0.5                    // share of refusals that is believed to be about no quota, at the most
)

// Class is what an answer says about the service.
type Class int

// The classes of answers.
const (
	Accepted    Class = iota // the service processed the call, whatever it answered to the customer
	Throttled                // too many requests: not processed
	Fault                    // this call failed, perhaps processed: 500, time-out, reset
	Down                     // a gateway says that the service is down: 502, 503, 504
	Unreachable              // no connection came about: nothing was sent
	Neutral                  // says nothing about the service
)

// asksForFewer reports an answer of a service that may have been asked for too much:
// some throttle with 503 in place of 429.
func (c Class) asksForFewer() bool { return c == Throttled || c == Down }

// Signal is one answer, as the pace sees it.
type Signal struct {
	Class      Class
	Cause      string        // of a failure, for people
	Setup      bool          // a failure that means a wrong set-up, as long as no call has succeeded
	RetryAfter time.Duration // what the service asked for; 0 for nothing
	Latency    time.Duration // of the attempt
	Quota      float64       // attempts per second that the service says it takes; 0 when it does not
	Concurrent int           // attempts at once that the service says it takes; 0 when it does not
}

// Ticket goes with an attempt, from Sent to Answered.
type Ticket struct {
	sent   time.Time
	others int  // that were in flight
	epoch  int  // of rates
	lone   bool // a trial: it tests whether the block is over
}

// Decision is the answer to "may the next attempt be sent?".
type Decision struct {
	Send    bool
	Trial   bool      // with Send: for a row that was never tried, picked at random, if there is one
	Scatter bool      // with Send: for a row picked at random, if it is one that was never tried
	At      time.Time // without Send: not before; zero when only an answer can change anything
	End     End       // why the run must end
}

// End is why a run must end. The snapshot has the particulars.
type End int

// The reasons to end a run.
const (
	GoesOn     End = iota
	TooLong        // it waited for the service as long as it may: since Since, for Cause
	AskedLong      // the service asks to wait longer than that: until Until
	WrongSetup     // the service was never reached: for Cause
)

// Config is what the user set, and what an earlier start found.
type Config struct {
	Ceiling     float64       // attempts per second at most; 0 for none
	Shared      bool          // the ceiling is a share of what many controllers may use at a time
	Search      bool          // begin slowly and search for the quota; without it, begin at the ceiling
	Start       float64       // with Search: attempts per second to begin with, a good guess and no more; 5 unless set
	Proven      bool          // the service has processed a call in an earlier start
	Asked       bool          // where no untried row is left, the service is asked about itself
	MaxInFlight int           // attempts under way at once, at most
	MaxOutage   time.Duration // without one accepted answer, before the run ends; 0: for ever
}

// Aim is the rate at which attempts are spaced out, so that the ceiling holds also
// where they arrive. Calls of many machines arrive more unevenly than those of one.
func (c Config) Aim() float64 {
	if c.Shared {
		return (2*margin - 1) * c.Ceiling
	}
	return margin * c.Ceiling
}

// State is what the pace does.
type State int

// The states of the pace.
const (
	Running State = iota // attempts are sent
	Held                 // throttled: only single test calls are sent
	Out                  // the service is unavailable: only single test calls are sent
)

// Snapshot is how the pace stands.
type Snapshot struct {
	State State
	Since time.Time // of Held and Out
	Until time.Time // of Held and Out: no trial before; zero while one is under way
	Cause string    // of the last failure that blocked it, for people
	Rate  float64   // attempts per second aimed at; 0 for unpaced

	Sent      int64         // attempts
	Throttled int64         // answers that asked for fewer calls
	Held      time.Duration // in which nothing was sent after those
	Outage    time.Duration // in which nothing but trials was sent
	Outages   int64
	Learned   float64 // the pace that the service was found to take; 0 while that is not known
}

// unpaced is the rate of a pace that does not limit anything.
var unpaced = math.Inf(1)

// Blocked reports that only single test calls are sent.
func (c *Controller) Blocked() bool { return c.block.on }

// NotBefore is when the next single test call may be sent; zero when it is not blocked.
func (c *Controller) NotBefore() time.Time { return c.block.until }

// Snapshot tells how the pace stands.
func (c *Controller) Snapshot(now time.Time) Snapshot {
	s := c.snapshot
	if c.paced() {
		s.Rate = c.rate
	}
	if b := &c.block; b.on {
		s.State = Out
		if b.throttle {
			s.State = Held
			s.Held += now.Sub(b.began)
		} else {
			s.Outage += now.Sub(b.began)
		}
		if c.ended == GoesOn {
			s.Since, s.Until = b.began, b.until
		}
		if !b.flying.IsZero() {
			s.Until = time.Time{}
		}
	}
	if c.settled(now) && c.phase != searching && c.good < unpaced {
		s.Learned = c.good
	}
	return s
}
