package pace

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const minutes = 60.0

// cell is one service that the pace is held against.
type cell struct {
	name   string
	server func() *server
	rate   func(seconds) float64 // what the service takes
	from   seconds               // of measuring
	upTo   seconds

	leastShare float64 // of the quota
	reported   bool    // without gates
	long       bool    // left out of the ordinary tests
}

func (c cell) with(name string, f func(*server)) cell {
	made := c.server
	c.name += ", " + name
	c.server = func() *server {
		s := made()
		f(s)
		return s
	}
	return c
}

func counting(name string, perSecond float64, q func() quota) cell {
	return cell{
		name: name, rate: steady(perSecond), from: 3 * minutes, upTo: 30 * minutes, leastShare: 0.94, long: perSecond > 100,
		server: func() *server { return &server{quota: q(), latency: lognormal(0.2)} },
	}
}

// matrix is every cell.
func matrix() []cell {
	var cells []cell
	for _, c := range append(buckets(), windows()...) {
		says := c.rate(0)
		cells = append(
			cells, c,
			c.with("Retry-After", func(s *server) { s.header = retryAfter }),
			c.with("RateLimit", func(s *server) { s.header, s.says = policy, says }),
		)
	}
	cells = append(cells, changing()...)
	cells = append(cells, slots()...)
	return append(cells, failing()...)
}

func buckets() []cell {
	var cells []cell
	for _, perSecond := range []float64{1, 5, 50, 500} {
		for _, burst := range []seconds{1, 30} {
			cells = append(cells, counting(fmt.Sprintf("bucket %g/s of %g s", perSecond, burst), perSecond, func() quota {
				return &bucket{rate: steady(perSecond), burst: perSecond * burst}
			}))
		}
	}
	return cells
}

func windows() []cell {
	var cells []cell
	for _, w := range []struct{ limit, length float64 }{{10, 1}, {50, 1}, {500, 1}, {100, 60}, {3000, 60}, {1000, 3600}, {10000, 3600}} {
		perSecond := w.limit / w.length
		fixed := counting(fmt.Sprintf("window %g in %g s", w.limit, w.length), perSecond, func() quota {
			return &fixedWindow{limit: w.limit, length: w.length}
		})
		if w.length == 3600 {
			// The warm-up is the first window. A thousand calls are over
			// before an unknown quota can be told from none.
			fixed.from, fixed.upTo, fixed.long, fixed.reported = 3600, 5*3600, true, w.limit == 1000
			cells = append(cells, fixed)
			continue
		}
		cells = append(cells, fixed)
		for _, rejects := range []string{"", ", rejects count"} {
			cells = append(cells, counting(fmt.Sprintf("log %g in %g s%s", w.limit, w.length, rejects), perSecond, func() quota {
				return &slidingLog{limit: int(w.limit), length: w.length, rejectsCount: rejects != ""}
			}))
		}
	}
	return cells
}

// changing is quotas that are not always the same.
func changing() []cell {
	steps := map[string]func(seconds) float64{
		"50/s then 20/s":           func(t seconds) float64 { return choose(t < 10*minutes, 50, 20) },
		"50/s then 200/s":          func(t seconds) float64 { return choose(t < 10*minutes, 50, 200) },
		"50/s then 20/s then 80/s": func(t seconds) float64 { return choose(t < 10*minutes, 50, choose(t < 20*minutes, 20, 80)) },
	}
	var cells []cell
	for name, rate := range steps {
		c := counting("bucket "+name, 50, func() quota { return &bucket{rate: rate, burst: 50} })
		c.rate, c.leastShare = rate, 0.9
		cells = append(cells, c)
	}
	half := func(t seconds) float64 { return choose(t >= 10*minutes && t < 15*minutes, 25, 0) }
	shared := fifty().with("another client takes half", func(s *server) { s.another = half })
	shared.rate, shared.leastShare = func(t seconds) float64 { return 50 - half(t) }, 0.9
	return append(cells, shared)
}

func choose(yes bool, a, b float64) float64 {
	if yes {
		return a
	}
	return b
}

// slots is services that take so many calls at once.
func slots() []cell {
	const mean = 0.2064 // of lognormal(0.2)
	queue := counting("10 at once, others wait", 10/mean, nil)
	queue.server = func() *server { return &server{latency: lognormal(0.2), slots: 10, queues: true} }
	refuse := counting("10 at once, others 429", 10/mean, nil)
	refuse.server = func() *server { return &server{latency: lognormal(0.2), slots: 10} }
	refuse.reported = true
	return []cell{queue, refuse}
}

func fifty() cell {
	return counting("bucket 50/s", 50, func() quota { return &bucket{rate: steady(50), burst: 50} })
}

// failing is services that fail, as a whole and in part, and slow ones.
func failing() []cell {
	cells := []cell{
		fifty().with("5% 500s", func(s *server) { s.errors = 0.05 }),
		fifty().with("20% 500s", func(s *server) { s.errors = 0.2 }),
		fifty().with("latency 0.2 s then 2 s", func(s *server) {
			s.latency = func(now seconds, r *rand.Rand) seconds {
				return lognormal(choose(now < 10*minutes, 0.2, 2))(now, r)
			}
		}),
		counting("bucket 10/s", 10, func() quota { return &bucket{rate: steady(10), burst: 10} }).
			with("latency 2 s", func(s *server) { s.latency = lognormal(2) }),
	}
	for _, kind := range []outageKind{refusing, unavailable, hanging, cutting, mixed} {
		out := fifty().with("10 min outage, "+kind.String(), func(s *server) {
			s.outage, s.outFrom, s.outUpTo = kind, 10*minutes, 20*minutes
		})
		cells = append(cells, out)
		if kind == mixed {
			cells = append(cells, out.with("5% 500s", func(s *server) { s.errors = 0.05 }))
		}
	}
	return cells
}

// figures are what one simulation came to.
type figures struct {
	share     float64 // of the quota, used
	firstMin  float64 // the same for the first minute
	throttled float64 // share of calls
	lost      int
	recovery  seconds
	inOutage  int // calls, beyond those in flight as it began
}

// run simulates a cell.
func (c cell) run(seed uint64) figures {
	s := c.server()
	control := New(Config{Search: true, MaxInFlight: 256, MaxOutage: 2 * time.Hour})
	sim := simulate(control, s, seed, c.upTo)
	quota := 0.0
	for t := c.from; t < c.upTo; t++ {
		if !s.isOut(t) {
			quota += c.rate(t)
		}
	}
	f := figures{
		share:     sim.accepted(c.from, c.upTo) / quota,
		firstMin:  sim.accepted(0, 60) / (60 * c.rate(0)),
		throttled: float64(sim.throttled) / float64(sim.sent),
		lost:      sim.lost,
	}
	if s.outage != noOutage {
		f.recovery = sim.recovery(s.outUpTo, c.rate(s.outUpTo))
		f.inOutage = sim.sentInOutage - sim.inFlightAtOutage
	}
	return f
}
