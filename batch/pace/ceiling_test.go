package pace

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheCeilingIsReachedAndNeverPassedWhateverTheTimersDo(t *testing.T) {
	for _, ceiling := range []float64{0.5, 5, 50, 1000} {
		for _, jitter := range []time.Duration{time.Microsecond, time.Millisecond} {
			c := newClient(Config{Ceiling: ceiling, MaxInFlight: 1})
			c.run(time.Minute, jitter, ok)
			assert.GreaterOrEqual(t, float64(len(c.sent)), 0.98*ceiling*60, "%v/s, %v", ceiling, jitter)
			assert.LessOrEqual(t, float64(busiestSecond(c.sent)), math.Ceil(ceiling), "%v/s, %v", ceiling, jitter)
		}
	}
}

func TestStallsTakeLittleOfTheCeilingAndNoSecondPassesIt(t *testing.T) {
	const ceiling = 1000
	for _, stall := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 45 * time.Millisecond, 2 * time.Second} {
		c := newClient(Config{Ceiling: ceiling, MaxInFlight: 1})
		for range 300 { // five stalls a second, but for the longest
			c.run(200*time.Millisecond-min(stall, 100*time.Millisecond), 500*time.Microsecond, ok)
			c.now = c.now.Add(time.Duration(c.random.Int64N(int64(stall))))
		}
		assert.LessOrEqual(t, busiestSecond(c.sent), ceiling, "stalls of %s", stall)
		if stall < makesUp {
			used := float64(len(c.sent)) / ceiling / c.now.Sub(start).Seconds()
			assert.GreaterOrEqual(t, used, 0.97, "stalls of %s", stall)
		}
	}
}

func TestTheCeilingIsNotPassedAfterHoldsAndOutagesEither(t *testing.T) {
	classes := []Class{Throttled, Fault, Down, Unreachable}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		c := newClient(Config{Ceiling: 50, MaxInFlight: 64})
		bad := Accepted
		c.run(5*time.Minute, time.Millisecond, func(time.Time) Signal {
			switch n := r.IntN(300); {
			case n == 0:
				bad = classes[r.IntN(len(classes))]
			case n < 20:
				bad = Accepted
			}
			return Signal{Class: bad}
		})
		require.LessOrEqual(t, busiestSecond(c.sent), 50, "seed %d", seed)
	}
}

func TestIdlenessSavesUpNothing(t *testing.T) {
	c := newClient(Config{Ceiling: 10, MaxInFlight: 1})
	c.attempt(t, Signal{}, &Blame{})
	c.now = c.now.Add(time.Hour)
	c.attempt(t, Signal{}, &Blame{})
	assert.InDelta(t, 100*time.Millisecond, c.wait(t), float64(2*time.Millisecond), "one after an idle hour, and not two")
}

func TestControllersThatBeginEmptyShareAQuotaHoweverOftenTheyBegin(t *testing.T) {
	var sent []time.Time
	for i := range 100 {
		c := newClient(Config{Ceiling: 10, MaxInFlight: 1, Empty: true})
		c.now = start.Add(time.Duration(i) * 250 * time.Millisecond)
		c.run(250*time.Millisecond, time.Microsecond, ok)
		sent = append(sent, c.sent...)
	}
	assert.LessOrEqual(t, busiestSecond(sent), 10)
	assert.GreaterOrEqual(t, len(sent), 150, "two in each quarter of a second")
}

func TestASecondOfHandoversKeepsToAQuotaThatIsShared(t *testing.T) {
	const quota, parts, share = 1000, 4, 0.98 * 1000 / 4
	var sent []time.Time
	for range parts {
		now := start
		for range 20 { // each idles at its end, sends what that saved up, and hands over at once
			c := newClient(Config{Ceiling: share, MaxInFlight: 1, Empty: true})
			c.now = now
			c.run(time.Second, time.Microsecond, ok)
			c.now = c.now.Add(time.Second)
			c.run(50*time.Millisecond, time.Microsecond, ok)
			sent, now = append(sent, c.sent...), c.now
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	assert.LessOrEqual(t, busiestSecond(sent), quota)
}

