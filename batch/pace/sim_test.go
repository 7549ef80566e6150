package pace

import (
	"math"
	"math/rand/v2"
	"time"
)

// maxAttempts is the program's own default.
const maxAttempts = 8

// event is something that happens at a time. It has no pointers, so that the
// garbage collector has nothing to do with the millions of them.
type event struct {
	at   seconds
	kind int32 // what follows
	call int32 // its place
}

const (
	arrives = iota
	returns
	wakes
)

func (e event) before(other event) bool { return e.at < other.at }

// call is one attempt on its way.
type call struct {
	row    *row
	ticket Ticket
	sent   seconds
	reply  reply
}

// row is a record, as far as the pace is concerned with it.
type row struct {
	blame   Blame
	tries   int
	readyAt seconds
}

func (r *row) before(other *row) bool { return r.readyAt < other.readyAt }

// ordered is what a queue is of.
type ordered[T any] interface{ before(other T) bool }

// queue gives the least first. It is container/heap without the interfaces,
// which would be most of the time that the matrix takes.
type queue[T ordered[T]] []T

func (q *queue[T]) push(v T) {
	*q = append(*q, v)
	h := *q
	i := len(h) - 1
	for i > 0 && v.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = v
}

func (q *queue[T]) pop() T {
	h := *q
	first, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	i := 0
	for child := 1; child < len(h); child = 2*i + 1 {
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(last) {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	return first
}

// simulation runs a controller against a server in virtual time. Rows never
// run out; those that fail are sent again with the program's own backoff.
type simulation struct {
	control *Controller
	server  *server
	random  *rand.Rand
	upTo    seconds

	now      seconds
	events   queue[event]
	waiting  queue[*row]
	calls    []call
	free     []int32 // places of calls that are over
	inFlight int
	wakeAt   seconds

	sent, throttled  int
	lost             int
	acceptedAt       []int32 // by half second
	sentInOutage     int
	inFlightAtOutage int
}

var epoch = time.Unix(1e9, 0)

func at(s seconds) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }

func simulate(c *Controller, s *server, seed uint64, upTo seconds) *simulation {
	sim := &simulation{
		control: c, server: s, upTo: upTo, wakeAt: math.Inf(1),
		random:     rand.New(rand.NewPCG(seed, 7)),
		acceptedAt: make([]int32, int(2*upTo)+2),
	}
	sim.sendReady()
	for len(sim.events) > 0 && sim.now < upTo && c.ended == nil {
		e := sim.events.pop()
		if sim.now = e.at; sim.now >= upTo {
			break
		}
		switch e.kind {
		case arrives:
			sim.arrive(e.call)
		case returns:
			sim.answer(e.call)
		case wakes:
			if e.at < sim.wakeAt {
				continue
			}
			sim.wakeAt = math.Inf(1)
		}
		if e.kind != arrives {
			sim.sendReady()
		}
	}
	return sim
}

// sendReady does what the dispatcher does: it sends as long as the pace
// allows, waiting rows first.
func (s *simulation) sendReady() {
	for {
		v := s.control.Next(at(s.now), s.inFlight)
		if !v.Send {
			if !v.At.IsZero() {
				s.wake(v.At.Sub(epoch).Seconds())
			}
			return
		}
		s.send()
	}
}

func (s *simulation) wake(when seconds) {
	// A timer is late by up to a millisecond.
	when = max(when, s.now) + 0.001*s.random.Float64()
	if when < s.wakeAt {
		s.wakeAt = when
		s.events.push(event{at: when, kind: wakes})
	}
}

func (s *simulation) send() {
	r := &row{}
	if len(s.waiting) > 0 && s.waiting[0].readyAt <= s.now {
		r = s.waiting.pop()
	}
	r.tries++
	s.sent++
	s.inFlight++
	if s.server.isOut(s.now) {
		if s.sentInOutage == 0 {
			s.inFlightAtOutage = s.inFlight - 1
		}
		s.sentInOutage++
	}
	place := s.place()
	s.calls[place] = call{row: r, ticket: s.control.Sent(at(s.now)), sent: s.now}
	s.events.push(event{at: s.now + 0.005 + 0.03*s.random.Float64(), kind: arrives, call: place})
}

// place finds room for a call.
func (s *simulation) place() int32 {
	if n := len(s.free); n > 0 {
		place := s.free[n-1]
		s.free = s.free[:n-1]
		return place
	}
	s.calls = append(s.calls, call{})
	return int32(len(s.calls) - 1)
}

func (s *simulation) arrive(place int32) {
	c := &s.calls[place]
	c.reply = s.server.arrive(s.now, s.random)
	if c.reply.slot {
		s.server.inUse++
	}
	s.events.push(event{at: s.now + c.reply.after, kind: returns, call: place})
}

func (s *simulation) answer(place int32) {
	c := &s.calls[place]
	s.free = append(s.free, place)
	s.inFlight--
	if c.reply.slot {
		s.server.inUse--
	}
	signal := c.reply.signal
	signal.Latency = time.Duration((s.now - c.sent) * float64(time.Second))
	s.control.Answered(at(s.now), c.ticket, signal, &c.row.blame)
	if c.reply.admitted {
		s.acceptedAt[int(2*s.now)]++
	}
	switch {
	case signal.Class == Accepted:
	case signal.Class == Throttled:
		s.throttled++
		s.again(c.row, 0)
	case c.row.blame.Used(maxAttempts):
		s.lost++
	default:
		s.again(c.row, s.random.Float64()*min(60, 0.5*math.Pow(2, float64(c.row.tries-1))))
	}
}

func (s *simulation) again(r *row, after seconds) {
	r.readyAt = s.now + after
	s.waiting.push(r)
}

// accepted counts the answers between two times.
func (s *simulation) accepted(from, to seconds) float64 {
	n := 0
	for i := int(2 * from); i < int(2*to); i++ {
		n += int(s.acceptedAt[i])
	}
	return float64(n)
}

// recovery is how long after a time five seconds begin that have nine tenths
// of a rate.
func (s *simulation) recovery(from seconds, rate float64) seconds {
	for t := from; t+5 <= s.upTo; t += 0.5 {
		if s.accepted(t, t+5) >= 0.9*5*rate {
			return t - from
		}
	}
	return math.Inf(1)
}
