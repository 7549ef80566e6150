package pace

import (
	"math"
	"math/rand/v2"
	"time"

	"bulkonboard/batch/blame"
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
	number    int
	blame     blame.Row
	tries     int
	readyAt   seconds
	throttled bool
	delay     seconds // the mean wait before the next attempt, once it waits
	taken     bool    // out of the window of untried rows
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

// windowRows is how many rows the reader is ahead, at the most.
const windowRows = 16384

// simulation runs a controller against a server in virtual time, and picks rows
// as the dispatcher does. Those that fail are sent again with the program's own
// backoff.
type simulation struct {
	control  *Controller
	server   *server
	random   *rand.Rand
	upTo     seconds
	rows     int // of the list
	attempts int // for a row

	now      seconds
	events   queue[event]
	waiting  queue[*row]
	open     []*row // failed, and it is not known yet whose fault that is
	ahead    []*row // untried rows that were read
	head     int
	untried  int // rows of ahead that are left
	read     int
	settled  int
	calls    []call
	free     []int32 // places of calls that are over
	inFlight int
	wakeAt   seconds

	sent, throttled, repeated int
	lost                      int // good rows that failed
	failed                    int // bad ones
	mostTries                 int
	acceptedAt                []int32 // by half second
	admittedAt                []int32
	sentInOutage              int
	hook                      func()
	inFlightAtOutage          int
}

var epoch = time.Unix(1e9, 0)

func at(s seconds) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }

func simulate(c *Controller, s *server, seed uint64, upTo seconds) *simulation {
	return simulateList(c, s, seed, upTo, math.MaxInt, maxAttempts)
}

func simulateList(c *Controller, s *server, seed uint64, upTo seconds, rows, attempts int) *simulation {
	sim := &simulation{control: c, server: s, upTo: upTo, rows: rows, attempts: attempts}
	sim.init(seed)
	sim.start()
	return sim
}

func (s *simulation) init(seed uint64) {
	s.wakeAt = math.Inf(1)
	s.random = rand.New(rand.NewPCG(seed, 7))
	s.acceptedAt, s.admittedAt = make([]int32, int(2*s.upTo)+2), make([]int32, int(2*s.upTo)+2)
}

// start runs the simulation to its end.
func (s *simulation) start() {
	s.sendReady()
	for len(s.events) > 0 && s.now < s.upTo && s.control.ended == GoesOn && s.settled < s.rows {
		e := s.events.pop()
		if s.now = e.at; s.now >= s.upTo {
			break
		}
		switch e.kind {
		case arrives:
			s.arrive(e.call)
		case returns:
			s.answer(e.call)
		case wakes:
			if e.at < s.wakeAt {
				continue
			}
			s.wakeAt = math.Inf(1)
		}
		if e.kind != arrives {
			s.sendReady()
		}
		if s.hook != nil {
			s.hook()
		}
	}
}

// sendReady does what the dispatcher does: it sends as long as the pace
// allows.
func (s *simulation) sendReady() {
	for {
		v := s.control.Next(at(s.now), s.inFlight, s.untriedLeft())
		if v.End != GoesOn {
			return
		}
		if !v.Send {
			if !v.At.IsZero() {
				s.wake(v.At.Sub(epoch).Seconds())
			}
			return
		}
		r := s.pick(v.Trial, v.Scatter)
		if r == nil {
			if len(s.waiting) > 0 {
				s.wake(s.waiting[0].readyAt)
			}
			return
		}
		s.send(r)
	}
}

// pick takes the next row: for a trial one that was never tried, at random, and
// else one that is due or one that comes, by lot.
func (s *simulation) pick(trial, scatter bool) *row {
	due := len(s.waiting) > 0 && s.waiting[0].readyAt <= s.now
	if trial {
		if r := s.random1(); r != nil {
			return r
		}
	}
	if turn := s.random.IntN(2) == 0; due && (turn || s.untried == 0 && s.read == s.rows) {
		return s.waiting.pop()
	}
	if scatter {
		if r := s.random1(); r != nil {
			return r
		}
	}
	if r := s.next(); r != nil {
		return r
	}
	if due {
		return s.waiting.pop()
	}
	return nil
}

func (s *simulation) fill(upTo int) {
	for s.untried < upTo && s.read < s.rows {
		s.ahead = append(s.ahead, &row{number: s.read})
		s.read++
		s.untried++
	}
}

func (s *simulation) next() *row {
	if s.untried == 0 {
		s.ahead, s.head = s.ahead[:0], 0
		s.fill(1)
	}
	for s.head < len(s.ahead) {
		r := s.ahead[s.head]
		s.head++
		if !r.taken {
			s.untried--
			r.taken = true
			return r
		}
	}
	return nil
}

func (s *simulation) random1() *row {
	s.fill(windowRows)
	if s.untried == 0 {
		return nil
	}
	for {
		r := s.ahead[s.head+s.random.IntN(len(s.ahead)-s.head)]
		if !r.taken {
			s.untried--
			r.taken = true
			return r
		}
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

func (s *simulation) send(r *row) {
	r.tries++
	if r.tries > 1 {
		s.repeated++
	}
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
	way := 0.005 + 0.03*s.random.Float64()
	if s.server.nearby {
		way = 0.002 + 0.004*s.random.Float64()
	}
	s.events.push(event{at: s.now + way, kind: arrives, call: place})
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
	c.reply = s.server.arrive(s.now, c.row.number, s.random)
	if c.reply.slot {
		s.server.inUse++
	}
	if c.reply.admitted {
		s.admittedAt[int(2*s.now)]++
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
	signal, r := c.reply.signal, c.row
	signal.Latency = time.Duration((s.now - c.sent) * float64(time.Second))
	s.control.Answered(at(s.now), c.ticket, signal, &r.blame)
	if c.reply.admitted {
		s.acceptedAt[int(2*s.now)]++
	}
	if signal.Class == Throttled || signal.Class == Down && s.server.refusal == Down {
		s.throttled++
	}
	if signal.Class == Accepted {
		s.settled++
	} else {
		s.backOff(r, signal)
		s.open = append(s.open, r)
	}
	s.decide()
}

// decide gives rows that failed up, or has them wait, once it is known whose fault that
// was.
func (s *simulation) decide() {
	left := s.open[:0]
	for _, r := range s.open {
		if r.blame.Open() && s.untriedLeft() {
			left = append(left, r)
			continue
		}
		s.control.Count(&r.blame)
		if r.blame.Used(s.attempts) {
			s.giveUp(r)
		} else {
			s.waiting.push(r)
		}
	}
	s.open = left
}

func (s *simulation) untriedLeft() bool { return s.untried > 0 || s.read < s.rows }

func (s *simulation) giveUp(r *row) {
	s.settled++
	s.mostTries = max(s.mostTries, r.tries)
	if s.server.bad != nil {
		if _, bad := s.server.bad(r.number); bad {
			s.failed++
			return
		}
	}
	s.lost++
}

// backOff has a row wait as the program does: not at all when the service is at fault, or
// it is throttled for the first time, and else with exponential backoff.
func (s *simulation) backOff(r *row, signal Signal) {
	after, throttled := 0.0, signal.Class == Throttled
	if s.control.Blocked() || throttled && !r.throttled {
		r.throttled = r.throttled || throttled
		r.delay = 0
	} else {
		if r.delay == 0 {
			if r.delay = 0.25; throttled {
				r.delay = 3
			}
		}
		jitter := 1.0
		if throttled {
			jitter = 0.2
		}
		after = max(r.delay*(1+jitter*(2*s.random.Float64()-1)), signal.RetryAfter.Seconds())
		r.delay = min(30, 2*r.delay)
	}
	r.readyAt = s.now + after
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
