package pace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

const minutes = 60.0

// cell is one service that the pace is compared with.
type cell struct {
	name   string
	server func() *server
	rate   func(seconds) float64 // what the service takes
	config Config
	upTo   seconds

	gates     []gate
	throttled float64 // share of calls, at the most
	repeats   float64 // the same
	ordinary  bool    // part of the ordinary tests
}

// gate is the least share of the quota that must be used from one time to
// another.
type gate struct {
	from, upTo seconds
	least      float64
}

// fromTheFirstCall is what must be used of an unknown quota.
var fromTheFirstCall = []gate{{0, 30, 0.85}, {0, 60, 0.92}, {0, 5 * minutes, 0.97}, {0, 30 * minutes, 0.985}}

func over(upTo, least float64) []gate { return []gate{{0, upTo, least}} }

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

func (c cell) gated(throttled float64, gates ...gate) cell {
	c.throttled, c.gates = throttled, gates
	return c
}

// now has a cell be part of the ordinary tests.
func (c cell) now() cell {
	c.ordinary = true
	return c
}

func counting(name string, perSecond float64, q func() quota) cell {
	return cell{
		name: name, rate: steady(perSecond), upTo: 30 * minutes, throttled: 0.01, repeats: 1, gates: []gate{{3 * minutes, 30 * minutes, 0.94}},
		config: Config{Search: true, MaxInFlight: 512, MaxOutage: 2 * time.Hour},
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
	cells = append(cells, atOnce()...)
	cells = append(cells, failing()...)
	cells = append(cells, fromTheStart()...)
	cells = append(cells, misleading()...)
	return cells
}

func buckets() []cell {
	var cells []cell
	for _, perSecond := range []float64{1, 5, 50, 500} {
		for _, burst := range []seconds{1, 30} {
			c := counting(fmt.Sprintf("bucket %g/s of %g s", perSecond, burst), perSecond, func() quota {
				return &bucket{rate: steady(perSecond), burst: perSecond * burst}
			})
			if burst > 1 { // what was saved up hides the quota, and its end is met at a high rate
				c.throttled = 0.08
			}
			if perSecond == 50 && burst == 1 {
				c = c.now()
			}
			cells = append(cells, c)
		}
	}
	return cells
}

func windows() []cell {
	var cells []cell
	for _, w := range []struct{ limit, length float64 }{{10, 1}, {50, 1}, {500, 1}, {100, 60}, {3000, 60}, {1000, 3600}, {10000, 3600}} {
		perSecond := w.limit / w.length
		saved := 0.01
		if w.length > 1 { // the first window hides the quota, and its end is met at a high rate
			saved = 0.03
		}
		fixed := counting(fmt.Sprintf("window %g in %g s", w.limit, w.length), perSecond, func() quota {
			return &fixedWindow{limit: w.limit, length: w.length}
		})
		fixed.throttled = saved
		if w.length == 3600 {
			// The warm-up is the first window. A thousand calls are over
			// before an unknown quota can be told from none.
			fixed.upTo, fixed.gates = 5*3600, []gate{{3600, 5 * 3600, 0.94}}
			if w.limit == 1000 {
				fixed = fixed.gated(1)
			}
			cells = append(cells, fixed)
			continue
		}
		cells = append(cells, fixed)
		for _, rejects := range []string{"", ", rejects count"} {
			log := counting(fmt.Sprintf("log %g in %g s%s", w.limit, w.length, rejects), perSecond, func() quota {
				return &slidingLog{limit: int(w.limit), length: w.length, rejectsCount: rejects != ""}
			})
			log.throttled = saved
			cells = append(cells, log)
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
		c.rate, c.gates = rate, []gate{{3 * minutes, 30 * minutes, 0.9}}
		cells = append(cells, c)
	}
	half := func(t seconds) float64 { return choose(t >= 10*minutes && t < 15*minutes, 25, 0) }
	shared := fifty().with("another client takes half", func(s *server) { s.another = half })
	shared.rate, shared.gates = func(t seconds) float64 { return 50 - half(t) }, []gate{{3 * minutes, 30 * minutes, 0.9}}
	return append(cells, shared)
}

func choose(yes bool, a, b float64) float64 {
	if yes {
		return a
	}
	return b
}

// atOnce is services that limit the calls at once.
func atOnce() []cell {
	const mean = 1.0317 // of lognormal(1)
	var cells []cell
	for _, s := range []struct {
		slots   int
		latency float64
	}{{10, 0.2}, {4, 0.05}, {16, 0.05}, {64, 0.05}, {4, 1}, {16, 1}, {64, 1}} {
		c := counting(fmt.Sprintf("%d at once for %g s", s.slots, s.latency), float64(s.slots)/s.latency/mean, nil)
		c.server = func() *server { return &server{latency: lognormal(s.latency), slots: s.slots, nearby: true} }
		known := c.with("others 429, and the user knows", func(*server) {})
		known.config.MaxInFlight = s.slots
		cells = append(
			cells, c.with("others wait", func(v *server) { v.queues = true }),
			known.gated(0.01, over(30*minutes, 0.9)...),
			c.with("others 429", func(*server) {}).gated(0.01, over(30*minutes, 0.8)...),
		)
	}
	return cells
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

// near is a service in the same data center.
func near(name string, perSecond float64, q func() quota) cell {
	c := counting(name, perSecond, q)
	return c.with("near", func(s *server) { s.nearby, s.latency = true, lognormal(0.04) })
}

// fromTheStart is quotas that must be used from the first call on.
func fromTheStart() []cell {
	var cells []cell
	for _, q := range []float64{10, 50, 200, 1000} {
		for _, burst := range []seconds{0.25, 1} {
			cells = append(cells, near(fmt.Sprintf("bucket %g/s of %g s", q, burst), q, func() quota {
				return &bucket{rate: steady(q), burst: max(1, burst*q)}
			}).gated(0.005, fromTheFirstCall...))
		}
		cells = append(cells, near(fmt.Sprintf("window %g in 1 s", q), q, func() quota {
			return &fixedWindow{limit: q, length: 1}
		}).gated(0.005, fromTheFirstCall...))
	}
	cells[5] = cells[5].now()
	// A wait in whole seconds says little of a window that is no longer, and each
	// costs most of one.
	for _, c := range cells[:len(cells):len(cells)] {
		c = c.with("Retry-After", func(s *server) { s.header = retryAfter })
		cells = append(cells, c.gated(0.005, gate{0, 30, 0.75}, gate{0, 60, 0.85}, gate{0, 5 * minutes, 0.95}, gate{0, 30 * minutes, 0.975}))
	}
	for _, limit := range []float64{300, 3000} {
		for _, h := range []header{silent, retryAfter} {
			c := near(fmt.Sprintf("window %g in 60 s", limit), limit/60, func() quota { return &fixedWindow{limit: limit, length: 60} })
			c = c.with([]string{"silent", "Retry-After"}[h], func(s *server) { s.header = h })
			cells = append(cells, c.gated(0.02, over(30*minutes, 0.97)...))
		}
	}
	for _, factor := range []float64{0.3, 3} {
		c := near(fmt.Sprintf("bucket 50/s, a remembered pace %g times as high", factor), 50, func() quota { return &bucket{rate: steady(50), burst: 12} })
		c.config.Start = 50 * factor
		cells = append(cells, c.gated(0.01, gate{0, 30, 0.85}, gate{0, 30 * minutes, 0.985}).now())
	}
	return cells
}

// misleading is services whose refusals do not say what they seem to.
func misleading() []cell {
	full := func(perSecond float64) cell {
		return near(fmt.Sprintf("bucket %g/s", perSecond), perSecond, func() quota { return &bucket{rate: steady(perSecond), burst: perSecond} })
	}
	var cells []cell
	for _, q := range []float64{50, 200} {
		for _, share := range []float64{0.001, 0.01, 0.05} {
			c := full(q).with(fmt.Sprintf("%g %% refused at random", 100*share), func(s *server) { s.sheds = share })
			c.rate = steady(q * (1 - share))
			cells = append(cells, c.gated(0.1, over(30*minutes, 0.9)...))
		}
	}
	cells[1] = cells[1].now()
	for _, class := range []Class{Fault, Down, Unreachable} {
		up := func(t seconds) float64 { return choose(math.Mod(t, 10) < 5, 50, 0) }
		c := full(50).with(fmt.Sprintf("up 5 s, down 5 s (%d)", class), func(s *server) {
			s.takes = 0.02
			s.fails = func(t seconds) Class { return Class(choose(up(t) > 0, float64(Accepted), float64(class))) }
		})
		c.rate = up
		cells = append(cells, c.gated(0.05, over(30*minutes, 0.5)...).now())
	}
	for _, asks := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		c := full(50).with("Retry-After always "+asks.String(), func(s *server) { s.asks = asks })
		cells = append(cells, c.gated(0.01, over(30*minutes, 0.9)...))
	}
	for _, asks := range []time.Duration{0, time.Second} {
		c := full(50).with("503 in place of 429, Retry-After "+asks.String(), func(s *server) { s.refusal, s.asks = Down, asks })
		c.repeats = 0.05
		cells = append(cells, c.gated(0.05, over(30*minutes, 0.9)...))
	}
	half := full(50).with("70 % 500s for 10 min", func(s *server) {
		s.errorsAt = func(t seconds) float64 { return choose(t >= 10*minutes && t < 20*minutes, 0.7, 0) }
	})
	return append(cells, half.gated(0.01, over(30*minutes, 0.9)...))
}

// figures are what one simulation came to.
type figures struct {
	shares    []float64 // of the quota, used, by gate
	throttled float64   // share of calls
	repeats   float64   // share of calls
	lost      int
	recovery  seconds
	inOutage  int // calls, beyond those in flight as it began
}

// run simulates a cell.
func (c cell) run(seed uint64) figures {
	s := c.server()
	sim := simulate(New(c.config), s, seed, c.upTo)
	f := figures{
		throttled: float64(sim.throttled) / float64(sim.sent),
		repeats:   float64(sim.repeated) / float64(sim.sent),
		lost:      sim.lost,
	}
	for _, g := range append(c.gates, fromTheFirstCall...) {
		quota, used := 0.0, 0.0
		for t := g.from; t < min(g.upTo, c.upTo); t += 0.5 {
			used += float64(sim.admittedAt[int(2*t)])
			if !s.isOut(t) {
				quota += c.rate(t) / 2
			}
		}
		f.shares = append(f.shares, used/quota)
	}
	if s.outage != noOutage {
		f.recovery = sim.recovery(s.outUpTo, c.rate(s.outUpTo))
		f.inOutage = sim.sentInOutage - sim.inFlightAtOutage
	}
	return f
}
