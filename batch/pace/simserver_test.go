package pace

import (
	"math"
	"math/rand/v2"
	"time"
)

// seconds are virtual: since the start of a simulation.
type seconds = float64

// quota is a server's way of counting calls. Its times never run backwards.
type quota interface {
	// take reports whether a call at now is within the quota, and if not, how
	// long the caller does well to wait.
	take(now seconds) (wait seconds, ok bool)
}

// steady is a quota that does not change.
func steady(perSecond float64) func(seconds) float64 {
	return func(seconds) float64 { return perSecond }
}

// bucket is a token bucket, full at the start.
type bucket struct {
	rate        func(seconds) float64
	burst       float64
	level, last float64
	began       bool
}

func (b *bucket) take(now seconds) (seconds, bool) {
	rate := b.rate(now)
	if !b.began {
		b.level, b.began = b.burst, true
	}
	b.level = min(b.burst, b.level+(now-b.last)*rate)
	b.last = now
	if b.level >= 1 {
		b.level--
		return 0, true
	}
	return (1 - b.level) / rate, false
}

// fixedWindow counts calls in windows that start over at fixed times.
type fixedWindow struct {
	limit, length float64
	number, count float64
}

func (w *fixedWindow) take(now seconds) (seconds, bool) {
	if number := math.Floor(now / w.length); number != w.number {
		w.number, w.count = number, 0
	}
	if w.count < w.limit {
		w.count++
		return 0, true
	}
	return (w.number+1)*w.length - now, false
}

// slidingLog counts the calls of the last stretch of time.
type slidingLog struct {
	limit        int
	length       float64
	rejectsCount bool
	log          []seconds
}

func (l *slidingLog) take(now seconds) (seconds, bool) {
	for len(l.log) > 0 && now-l.log[0] >= l.length {
		l.log = l.log[1:]
	}
	within := len(l.log) < l.limit
	if within || l.rejectsCount {
		l.log = append(l.log, now)
	}
	if within {
		return 0, true
	}
	return l.length - (now - l.log[len(l.log)-l.limit]), false
}

// header is how a server says what it takes.
type header int

const (
	silent     header = iota
	retryAfter        // whole seconds, rounded up
	policy            // RateLimit-Policy: q and w, on every answer
)

// outageKind is how a service fails as a whole.
type outageKind int

const (
	noOutage outageKind = iota
	refusing
	unavailable
	hanging
	cutting
	mixed
)

func (k outageKind) String() string {
	return [...]string{"none", "refused", "503", "hang", "TLS cut", "mix"}[k]
}

// server is a service in virtual time.
type server struct {
	quota   quota
	header  header
	says    float64 // calls per second, with policy
	latency func(now seconds, r *rand.Rand) seconds

	errors   float64 // share of calls answered 500
	errorsAt func(now seconds) float64
	sheds    float64                     // share of calls answered 429 whatever the rate
	asks     time.Duration               // constant Retry-After of a 429
	refusal  Class                       // of what is over the quota: Throttled unless set
	fails    func(now seconds) Class     // instead of anything else, unless Accepted
	takes    seconds                     // how long such a failure takes
	nearby   bool                        // the way to the service takes from 2 to 6 ms
	bad      func(row int) (Class, bool) // rows that always fail
	badAsks  time.Duration               // Retry-After of those

	outage           outageKind
	outFrom, outUpTo seconds

	slots   int // calls at once
	queues  bool
	inUse   int
	free    []seconds // of the queue: when each slot is free
	another func(now seconds) float64
	other   seconds // up to which the other client has called
}

// lognormal is a round trip with a median.
func lognormal(median float64) func(seconds, *rand.Rand) seconds {
	return func(_ seconds, r *rand.Rand) seconds { return median * math.Exp(0.25*r.NormFloat64()) }
}

// reply is what becomes of a call that arrives at a server.
type reply struct {
	signal   Signal
	after    seconds // when the answer is back, from the arrival on
	admitted bool    // it counts against the quota
	slot     bool    // it takes one of the slots until then
}

func (s *server) arrive(now seconds, row int, r *rand.Rand) reply {
	latency := s.latency(now, r)
	if s.isOut(now) {
		return s.fail(latency, r)
	}
	if s.fails != nil {
		if class := s.fails(now); class != Accepted {
			return reply{after: s.takes, signal: Signal{Class: class}}
		}
	}
	if s.bad != nil {
		if class, bad := s.bad(row); bad {
			return reply{after: latency, signal: Signal{Class: class, RetryAfter: s.badAsks}, admitted: true}
		}
	}
	if s.sheds > 0 && r.Float64() < s.sheds {
		return s.refuse(latency, 0)
	}
	s.callOther(now)
	if s.slots > 0 && !s.queues && s.inUse >= s.slots {
		return s.refuse(0.005, 0)
	}
	if s.quota != nil {
		if wait, ok := s.quota.take(now); !ok {
			return s.refuse(latency, wait)
		}
	}
	if s.queues {
		latency = s.queue(now, latency)
	}
	answer := reply{after: latency, admitted: true, slot: s.slots > 0 && !s.queues, signal: Signal{Class: Accepted, Quota: s.policy()}}
	errors := s.errors
	if s.errorsAt != nil {
		errors = s.errorsAt(now)
	}
	if r.Float64() < errors {
		answer.signal.Class = Fault
	}
	return answer
}

func (s *server) isOut(now seconds) bool {
	return s.outage != noOutage && now >= s.outFrom && now < s.outUpTo
}

func (s *server) policy() float64 {
	if s.header == policy {
		return s.says
	}
	return 0
}

func (s *server) refuse(after, wait seconds) reply {
	signal := Signal{Class: max(Throttled, s.refusal), Quota: s.policy(), RetryAfter: s.asks}
	if s.header != silent && wait > 0 {
		signal.RetryAfter = time.Duration(math.Ceil(wait)) * time.Second
	}
	return reply{signal: signal, after: after}
}

// queue gives a call to the slot that is free first.
func (s *server) queue(now, takes seconds) seconds {
	if s.free == nil {
		s.free = make([]seconds, s.slots)
	}
	first := 0
	for i := range s.free {
		if s.free[i] < s.free[first] {
			first = i
		}
	}
	s.free[first] = max(now, s.free[first]) + takes
	return s.free[first] - now
}

// callOther lets another client use its share of the quota.
func (s *server) callOther(now seconds) {
	for s.another != nil && s.other < now {
		rate := s.another(s.other)
		if rate == 0 {
			s.other += 1
			continue
		}
		s.other += 1 / rate
		s.quota.take(min(s.other, now))
	}
}

func (s *server) fail(latency seconds, r *rand.Rand) reply {
	kind := s.outage
	if kind == mixed {
		kind = outageKind(1 + r.IntN(4))
	}
	switch kind {
	case refusing:
		return reply{signal: Signal{Class: Unreachable}, after: 0.001}
	case cutting:
		return reply{signal: Signal{Class: Unreachable}, after: 0.05}
	case unavailable:
		return reply{signal: Signal{Class: Down}, after: latency / 4}
	default:
		return reply{signal: Signal{Class: Fault}, after: 30}
	}
}
