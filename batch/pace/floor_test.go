package pace

import (
	"cmp"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

func TestAShareIsFoundWhereARateThatWasCutTookWhatItAskedFor(t *testing.T) {
	low := func(share float64) count { return count{calls: 100, refused: 100 * share} }
	for name, c := range map[string]struct {
		floor floor
		took  int64 // in ten seconds, at the low rate
		found bool
	}{
		"a third of all calls":                {floor{took: 70, low: low(0.3)}, 500, true},
		"more than half: a quota":             {floor{took: 40, low: low(0.6)}, 280, false},
		"as many were taken: a quota":         {floor{took: 70, low: low(0.3)}, 690, false},
		"what was saved up was used: a quota": {floor{took: 50, low: low(0.05)}, 250, false},
		"blocks took most of the time":        {floor{took: 15, low: low(0.3)}, 100, true},
		"no rate was aimed at":                {floor{from: unpaced, took: 95, low: low(0.05)}, 500, true},
		"too early to tell":                   {floor{took: 95, low: low(0.05)}, 0, false},
	} {
		f := c.floor
		f.from, f.under = cmp.Or(f.from, 100), mark{at: epoch}
		assert.Equal(t, c.found, f.found(mark{epoch.Add(10 * time.Second), c.took}) > 0, name)
	}
}

// see has a floor see calls at a rate, of which one in so many is refused.
func (f *floor) see(calls, every int, since *count) {
	for i := range calls {
		refused := i%every == every-1
		since.add(refused)
		f.saw(mark{epoch, int64(i)}, 100, since, refused)
	}
}

func TestChanceMakesNoShareFade(t *testing.T) {
	f := floor{share: 0.01}
	f.see(3999, 300, &count{})
	assert.InDelta(t, 0.01, f.share, 0)
	f.see(1, 300, &count{})
	assert.InDelta(t, 0.0033, f.share, 0.0001)

	f = floor{share: 0.01}
	f.see(8000, 160, &count{})
	assert.InDelta(t, 0.01, f.share, 0, "well above the half")
	f.see(4000, 300, &count{})
	assert.InDelta(t, 0.0033, f.share, 0.0001, "what was met long ago does not count")
}

func TestChanceCuresNoRate(t *testing.T) {
	f, since := floor{share: 0.01, from: 100}, count{}
	f.see(1999, 300, &since)
	assert.InDelta(t, 100, f.from, 0)
	f.see(1, 300, &since)
	assert.Zero(t, f.from)
}

func TestWhetherACutHelpsIsSeenFromTheHighestRateOn(t *testing.T) {
	c := New(Config{Search: true})
	c.cruise(epoch, 100)
	c.lower(epoch, mark{epoch, 0}, 100)
	c.floor.took, c.floor.low = 90, count{calls: 7}
	c.lower(epoch, mark{epoch, 0}, 80)
	assert.InDelta(t, 100, c.floor.from, 0)
	assert.InDelta(t, 90, c.floor.took, 0)
	c.lower(epoch, mark{epoch, 0}, 120)
	assert.InDelta(t, 120, c.floor.from, 0)
	assert.Zero(t, c.floor.took)
	assert.Zero(t, c.floor.low)
	c.backOff()
	assert.Zero(t, c.floor.from, "an outage says nothing of it")
}

func TestWhatWasTakenNearARateIsComparedWithWhatIsTakenWellBelow(t *testing.T) {
	f, since := floor{from: 100, began: mark{epoch, 0}}, count{}
	saw := func(second int, taken int64, rate float64) {
		f.saw(mark{epoch.Add(time.Duration(second) * time.Second), taken}, rate, &since, false)
	}
	saw(1, 95, 95)
	saw(2, 180, 85) // neither near nor well below
	assert.InDelta(t, 95, f.took, 0.001)
	saw(3, 250, 70)
	saw(4, 320, 70)
	assert.InDelta(t, 95, f.took, 0.001)
	assert.Equal(t, mark{epoch.Add(3 * time.Second), 250}, f.under)
	assert.Equal(t, count{calls: 2}, f.low)
}

func TestAShareThatDoesNotStandItsTrialIsTakenBack(t *testing.T) {
	c := New(Config{Search: true})
	c.cruise(epoch, 100)
	c.floor = floor{share: 0.05, before: 0.01, onTrial: true}
	for range 20 {
		c.count(epoch, Ticket{}, true)
	}
	assert.InDelta(t, 0.01, c.floor.share, 0)
	assert.False(t, c.floor.onTrial)
}

func TestOnceAShareHasStoodItsTrialAHigherRateIsTriedAtOnce(t *testing.T) {
	c := New(Config{Search: true, MaxInFlight: 64})
	c.cruise(epoch, 100)
	c.probeAt, c.floor = epoch.Add(time.Minute), floor{share: 0.05, onTrial: true}
	for i := range 20 * enough {
		require.True(t, c.probeAt.After(epoch), "%d", i)
		c.count(epoch, Ticket{}, false)
	}
	assert.Equal(t, epoch, c.probeAt)
	assert.InDelta(t, 1, c.credit, 0)
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
