package blame

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWhatARowWasChargedEarlierCounts(t *testing.T) {
	b := Charged(5)
	assert.Equal(t, 5, b.Charged())
	assert.True(t, b.Tried())
	assert.True(t, b.Used(5))
	assert.False(t, b.Used(6))
	b.Count()
	assert.Equal(t, 6, b.Charged())
}

func TestNoRowIsTriedForEver(t *testing.T) {
	b := Row{counted: mostTries * 3}
	assert.True(t, b.Used(3), "whatever chance can explain")
}

func TestFailuresBetweenWhichNoOtherRowSucceedsCountOnce(t *testing.T) {
	f, at := New(), time.Unix(0, 0)
	var bad, other Row
	fail := func() {
		bad.Fail()
		f.Add(&bad, at)
		at = at.Add(time.Second)
	}
	for range 5 {
		fail()
	}
	assert.True(t, bad.Open())
	assert.Zero(t, bad.Charged())
	f.Answered(&bad, at)
	assert.True(t, bad.Open(), "only others tell")
	f.Answered(&other, at.Add(-time.Minute))
	assert.True(t, bad.Open(), "one that was sent before tells nothing")
	f.Answered(&other, at)
	assert.False(t, bad.Open())
	assert.Equal(t, 1, bad.Charged())

	fail()
	f.ServiceWell(at)
	assert.Equal(t, 2, bad.Charged())
	fail()
	f.Drop()
	assert.False(t, bad.Open())
	f.Count(&bad)
	assert.Equal(t, 2, bad.Charged(), "it has not failed since")
	fail()
	f.Count(&bad)
	assert.True(t, bad.Used(3))
}

// finds sends rows to a service, one every so often, until what it refuses is found to be
// rows that it refuses always, and returns their share; 0 if that is not found.
func finds(every time.Duration, refuses func(row, attempt int) bool) (share float64) {
	f := New()
	type due struct {
		row     *Row
		number  int
		attempt int
	}
	var waiting []due
	now := time.Unix(1e9, 0)
	send := func(d due) {
		now = now.Add(every)
		if !refuses(d.number, d.attempt) {
			f.Answered(d.row, now)
			return
		}
		d.row.Fail()
		share = max(share, f.RefusedAlways(d.row, now, now))
		f.Failed(d.row, true)
		if d.attempt < 8 {
			waiting = append(waiting, due{d.row, d.number, d.attempt + 1})
		}
	}
	for number := 0; number < 2000 && share == 0; number++ {
		send(due{new(Row), number, 1})
		if len(waiting) > 20 {
			next := waiting[0]
			waiting = waiting[1:]
			send(next)
		}
	}
	return share
}

func TestRowsThatAreRefusedAlwaysAreFound(t *testing.T) {
	tenth := func(row int) bool { return row%10 == 3 }
	for _, every := range []time.Duration{apart / 100, apart / 8} {
		assert.InDelta(t, 0.1, finds(every, func(row, _ int) bool { return tenth(row) }), 0.05)
		assert.InDelta(t, 0.33, finds(every, func(row, _ int) bool { return row%3 == 0 }), 0.1)
	}
}

func TestCallsThatAreRefusedForTheirNumberAreNotTakenForRows(t *testing.T) {
	for _, share := range []float64{0.01, 0.1, 0.3, 0.6, 0.9} {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 1))
			assert.Zero(t, finds(apart/100, func(int, int) bool { return r.Float64() < share }), "%g, %d", share, seed)
		}
	}
}

func TestCallsThatAreRefusedForTheirNumberAreHardlyEverTakenForRowsWhereFewAreSent(t *testing.T) {
	for _, share := range []float64{0.01, 0.1, 0.3, 0.6, 0.9} {
		taken := 0
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 1))
			if finds(apart/8, func(int, int) bool { return r.Float64() < share }) > 0 {
				taken++
			}
		}
		assert.LessOrEqual(t, taken, 2, "%g", share)
	}
}

func TestARowThatIsRefusedAgainAtOnceIsNoEvidence(t *testing.T) {
	for wait, found := range map[time.Duration]bool{apart / 2: false, apart: true} {
		f, share := New(), 0.0
		for i := range 40 {
			now := time.Unix(int64(10*i), 0)
			row := &Row{}
			f.Answered(&Row{}, now)
			share = max(share, f.RefusedAlways(row, now, now))
			f.Failed(row, true)
			share = max(share, f.RefusedAlways(row, now.Add(wait), now.Add(2*apart)))
		}
		assert.Equal(t, found, share > 0, wait)
	}
}

func TestRowsOfAnEarlierRunTellNoShare(t *testing.T) {
	f := New()
	for i := range 40 {
		row, now := Seen(), time.Unix(int64(10*i), 0)
		f.Answered(&Row{answered: 2}, now)
		f.RefusedAlways(&row, now, now)
		assert.Zero(t, f.RefusedAlways(&row, now.Add(apart), now.Add(apart)))
	}
}

func TestARowThatSucceedsOnceItHasWaitedSpeaksAgainstIt(t *testing.T) {
	for wait, found := range map[time.Duration]bool{0: true, apart: false} {
		f, share := New(), 0.0
		for i := range 40 {
			now := time.Unix(int64(20*i), 0)
			always, once := &Row{}, &Row{}
			for _, row := range []*Row{always, once} {
				share = max(share, f.RefusedAlways(row, now, now))
				f.Failed(row, true)
			}
			f.Answered(once, now.Add(wait))
			f.Answered(&Row{}, now)
			f.Answered(&Row{}, now)
			share = max(share, f.RefusedAlways(always, now.Add(apart), now.Add(apart)))
		}
		assert.Equal(t, found, share > 0, wait)
	}
}
