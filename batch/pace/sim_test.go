package pace

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"
)

// maxAttempts is the program's own default.
const maxAttempts = 8

// event is something that happens at a time.
type event struct {
	at   seconds
	kind int // what follows
	call *call
}

const (
	arrives = iota
	returns
	wakes
)

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

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

type rows []*row

func (r rows) Len() int           { return len(r) }
func (r rows) Less(i, j int) bool { return r[i].readyAt < r[j].readyAt }
func (r rows) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *rows) Push(x any)        { *r = append(*r, x.(*row)) }
func (r *rows) Pop() any {
	old := *r
	last := old[len(old)-1]
	*r = old[:len(old)-1]
	return last
}

// simulation runs a controller against a server in virtual time. Rows never
// run out; those that fail are sent again with the program's own backoff.
type simulation struct {
	control *Controller
	server  *server
	random  *rand.Rand
	upTo    seconds

	now      seconds
	events   events
	waiting  rows
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
		e := heap.Pop(&sim.events).(event)
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
		heap.Push(&s.events, event{at: when, kind: wakes})
	}
}

func (s *simulation) send() {
	r := &row{}
	if len(s.waiting) > 0 && s.waiting[0].readyAt <= s.now {
		r = heap.Pop(&s.waiting).(*row)
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
	c := &call{row: r, ticket: s.control.Sent(at(s.now)), sent: s.now}
	heap.Push(&s.events, event{at: s.now + 0.005 + 0.03*s.random.Float64(), kind: arrives, call: c})
}

func (s *simulation) arrive(c *call) {
	c.reply = s.server.arrive(s.now, s.random)
	if c.reply.slot {
		s.server.inUse++
	}
	heap.Push(&s.events, event{at: s.now + c.reply.after, kind: returns, call: c})
}

func (s *simulation) answer(c *call) {
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
	heap.Push(&s.waiting, r)
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
