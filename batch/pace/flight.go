package pace

import (
	"math"
	"slices"
	"time"
)

const (
	// flightUnknown is how many attempts may be in flight while the round
	// trip is not known.
	flightUnknown = 8

	flightRound    = 2 * time.Second
	flightSamples  = 10  // in a round, at least
	flightStep     = 1.3 // by which a trial raises the round trip allowed for
	flightGain     = 1.1 // in answers, for which a trial is kept
	flightPatience = 30 * time.Second
)

// flight is how many attempts may be in flight: what the pace and the round
// trip come to, with head room. A service whose round trip grows because of
// the load that this client brings is not given more of it: while the bound
// holds sending back, the round trip that it allows for stays as it is, and is
// raised only on trial, for as long as more answers come for it.
type flight struct {
	most   int // by the user, or by the service
	base   time.Duration
	median time.Duration // of the last round

	start     time.Time
	latencies []time.Duration // of this round
	answers   int
	bound     bool // the bound held sending back in this round

	trying    bool
	before    float64       // answers per second before the trial
	kept      time.Duration // the base before the trial
	nextTrial time.Time
}

// limit is how many attempts may be in flight at a pace.
func (f *flight) limit(rate float64) int {
	switch {
	case math.IsInf(rate, 1):
		return f.most
	case f.base == 0:
		return min(f.most, flightUnknown)
	}
	return int(min(float64(f.most), 2*rate*f.base.Seconds()+4))
}

// full reports whether no further attempt may be in flight.
func (f *flight) full(inFlight int, rate float64) bool {
	if inFlight < f.limit(rate) {
		return false
	}
	f.bound = true
	return true
}

// answered takes in an answer of the service.
func (f *flight) answered(now time.Time, latency time.Duration) {
	f.answers++
	if len(f.latencies) < 100 {
		f.latencies = append(f.latencies, latency)
	}
	if f.start.IsZero() {
		f.start = now
		f.base = latency
	}
	if took := now.Sub(f.start); took >= max(flightRound, 2*f.median) && f.answers >= flightSamples {
		f.round(now, float64(f.answers)/took.Seconds())
	}
}

// round looks at a round that is over.
func (f *flight) round(now time.Time, perSecond float64) {
	slices.Sort(f.latencies)
	median := f.latencies[len(f.latencies)/2]
	f.median = median
	switch {
	case !f.bound || median < f.base:
		f.base, f.trying = median, false
	case f.trying && perSecond < flightGain*f.before:
		f.base, f.trying = f.kept, false
		f.nextTrial = now.Add(flightPatience)
	case f.trying || !now.Before(f.nextTrial):
		f.trying, f.before, f.kept = true, perSecond, f.base
		f.base = time.Duration(flightStep * float64(f.base))
	}
	f.start, f.answers, f.bound = now, 0, false
	f.latencies = f.latencies[:0]
}
