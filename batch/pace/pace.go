// Package pace decides when the next attempt may be sent, how many may be
// under way, and whom a failure is charged to. There is one controller for an
// endpoint, used by the one goroutine that dispatches: it takes the time as an
// argument, keeps no clock, takes no lock and starts no goroutine.
//
//	controller.go   the pace: the search for the quota, and the probes beyond
//	hold.go         the hold after a 429
//	learn.go        the rate that follows from it
//	outage.go       the breaker: nothing but canaries while the service is down
//	downtime.go     what the pace does around an outage, and how it stands
//	blame.go        whether a failure is the row's doing or the service's
//	flight.go       how many attempts may be in flight
//	ceiling.go      the user's rate, which is never passed
package pace

import (
	"math"
	"time"
)

// Class is what an answer says about the service.
type Class int

// The classes of answers.
const (
	Accepted    Class = iota // the service processed the call, whatever it answered to the customer
	Throttled                // 429: not processed
	Fault                    // this call failed, perhaps processed: 500, time-out, reset
	Down                     // a gateway says that the service is down: 502, 503, 504
	Unreachable              // no connection came about: nothing was sent
	Neutral                  // says nothing about the service
)

// Signal is one answer, as the pace sees it.
type Signal struct {
	Class      Class
	Cause      string        // of a failure, for people
	RetryAfter time.Duration // what the service asked for; 0 for nothing
	Latency    time.Duration // of the attempt
	Quota      float64       // attempts per second that the service says it takes; 0 when it does not
	Concurrent int           // attempts at once that the service says it takes; 0 when it does not
}

// Ticket goes with an attempt, from Sent to Answered.
type Ticket struct {
	sent  time.Time
	epoch int  // of holds: an answer to an attempt of an earlier one is stale
	lone  bool // the one attempt that tests whether a hold or an outage is over
}

// Verdict is the answer to "may the next attempt be sent?".
type Verdict struct {
	Send bool
	At   time.Time // otherwise: not before; zero when only an answer can change anything
	End  error     // the run must end: *OutageError or *WaitError
}

// Config is what the user set.
type Config struct {
	Ceiling     float64 // attempts per second at most; 0 for none
	Search      bool    // begin slowly and search for the quota; without it, begin at the ceiling
	Start       float64 // with Search: attempts per second to begin with; 5 unless set
	MaxInFlight int

	// Empty begins without the attempt that a ceiling has ready: where many
	// controllers share a quota and each begins anew again and again, those
	// would come on top of it.
	Empty bool

	MaxOutage time.Duration // without one accepted answer, before the run ends
	MaxWait   time.Duration // that the service may ask for, before the run ends

	// Report is told of every event that an operator should see. May be nil.
	Report func(Event)
}

// Event is something that an operator should see.
type Event struct {
	Kind   EventKind
	Reason string        // in words
	Rate   float64       // the pace from now on, in attempts per second; 0 for unpaced
	Wait   time.Duration // until the next attempt, of a hold or an outage
}

// EventKind tells events apart.
type EventKind string

// The kinds of events.
const (
	Hold       EventKind = "hold"        // a 429: nothing is sent for now
	PaceChange EventKind = "pace change" // by more than a fifth since the last one told
	OutageOpen EventKind = "outage"      // the service as a whole fails: nothing but canaries is sent
	OutageOver EventKind = "outage over" // a canary was accepted
)

// State is what the pace does.
type State int

// The states of the pace.
const (
	Running State = iota // attempts are sent
	Held                 // after a 429, nothing but single trials is sent
	Out                  // the service as a whole fails: nothing but canaries is sent
)

// Snapshot is how the pace stands.
type Snapshot struct {
	State State
	Since time.Time // of Held and Out
	Until time.Time // of Held and Out: no trial before; zero while one is under way
	Rate  float64   // attempts per second aimed at; 0 for unpaced

	Sent      int64         // attempts
	Throttled int64         // answers 429
	Held      time.Duration // in which nothing was sent after a 429
	Outage    time.Duration // in which nothing but canaries was sent
	Outages   int64
	Learned   float64 // the pace that the service was found to take; 0 while that is not known
}

// unpaced is the rate of a pace that does not limit anything.
var unpaced = math.Inf(1)
