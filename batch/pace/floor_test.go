package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// shedding refuses a share of all calls, and none for any other reason.
func shedding(share float64) func(time.Time) Signal {
	r := rand.New(rand.NewPCG(3, 3))
	return func(now time.Time) Signal {
		if r.Float64() < share {
			return Signal{Class: Throttled}
		}
		return ok(now)
	}
}

func TestAShareThatIsRefusedWhateverTheRateDoesNotKeepTheRateDown(t *testing.T) {
	for _, share := range []float64{0.01, 0.05} {
		c := newClient(Config{Ceiling: 100, MaxInFlight: 64})
		c.run(20*time.Minute, time.Millisecond, shedding(share))
		assert.Greater(t, float64(len(c.sent)), 0.85*100*20*60, "%g", share)
	}
}

func TestAShareThatIsNotMetAnyMoreFades(t *testing.T) {
	c := newClient(Config{Ceiling: 100, MaxInFlight: 64})
	c.run(20*time.Minute, time.Millisecond, shedding(0.05))
	assert.Positive(t, c.floor.share)
	c.run(30*time.Minute, time.Millisecond, ok)
	assert.Less(t, c.floor.share, 0.01)
}

func TestAQuotaIsNotTakenForAShareThatIsAlwaysRefused(t *testing.T) {
	for _, perSecond := range []float64{10, 50, 500} {
		c, s := settledAt(t, perSecond)
		c.run(10*time.Minute, time.Millisecond, s.answers)
		assert.Less(t, c.floor.share, 0.01)
	}
}

func TestMoreThanHalfOfTheCallsAreRefusedForAQuota(t *testing.T) {
	for share, back := range map[float64]float64{0.3: 100, 0.6: 0} {
		f := floor{from: 100, took: 50, under: mark{at: epoch}, low: count{calls: 100, refused: 100 * share}}
		assert.InDelta(t, back, f.found(mark{epoch.Add(10 * time.Second), 100}), 0, "%g", share)
	}
}

func TestRowsThatAreRefusedAlwaysAreToleratedUpToHalfOfTheCalls(t *testing.T) {
	c := New(Config{Ceiling: 50})
	c.rate = 2
	c.tolerate(0.1)
	assert.InDelta(t, 0.1, c.floor.share, 0)
	assert.Equal(t, searching, c.phase)
	c.tolerate(0.9)
	assert.InDelta(t, mostFloor, c.floor.share, 0)
}
