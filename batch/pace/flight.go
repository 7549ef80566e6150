package pace

import (
	"math"
	"slices"
	"time"
)

// flight is how many attempts may be in flight: twice what the rate and the round
// trip come to. A service whose round trip grows because of the load that this
// client brings is not given more of it: while the bound limits sending, the round
// trip that it allows for is raised only on trial, for as long as more answers
// come for it.
type flight struct {
	most int           // by the user, or by the service
	base time.Duration // the round trip allowed for

	start     time.Time
	latencies []time.Duration // of this round
	answers   int
	bound     bool // the bound limited sending in this round

	trying    bool
	before    float64       // answers per second before the trial
	kept      time.Duration // the base before the trial
	nextTrial time.Time

	slots slots
}

// full reports whether no further attempt may be in flight.
func (f *flight) full(inFlight int, rate float64) bool {
	limit := min(f.most, enough)
	if math.IsInf(rate, 1) {
		limit = f.most
	} else if f.base > 0 {
		limit = int(min(float64(f.most), 2*rate*f.base.Seconds()+4))
	}
	if f.slots.most > 0 {
		limit = min(limit, f.slots.most+f.slots.more)
	}
	full := inFlight >= limit
	f.bound = f.bound || full
	return full
}

// answered takes in an answer of the service.
func (f *flight) answered(now time.Time, latency time.Duration) {
	if f.start.IsZero() {
		f.start, f.base = now, latency
	}
	if f.answers++; len(f.latencies) < 10*enough {
		f.latencies = append(f.latencies, latency)
	}
	took := now.Sub(f.start)
	if f.answers < enough || took < 5*round {
		return
	}
	slices.Sort(f.latencies)
	median := f.latencies[len(f.latencies)/2]
	if took < 2*median {
		return
	}
	perSecond := float64(f.answers) / took.Seconds()
	switch {
	case !f.bound || median < f.base:
		f.base, f.trying = median, false
	case f.trying && perSecond < 1.1*f.before:
		f.base, f.trying = f.kept, false
		f.nextTrial = now.Add(3 * settles)
	case f.trying || !now.Before(f.nextTrial):
		f.trying, f.before, f.kept = true, perSecond, f.base
		f.base += f.base * 3 / 10
	}
	f.start, f.answers, f.bound, f.latencies = now, 0, false, f.latencies[:0]
}
