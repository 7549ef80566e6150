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

// finds sends rows to a service until what it refuses is found to be rows that it
// refuses always, and returns their share; 0 if that is not found.
func finds(refuses func(row, attempt int) bool) (share float64) {
	f := New()
	type due struct {
		row     *Row
		number  int
		attempt int
	}
	var waiting []due
	send := func(d due) {
		if !refuses(d.number, d.attempt) {
			f.Answered(d.row, time.Time{})
			return
		}
		d.row.Fail()
		f.Failed(d.row, true)
		share = max(share, f.RefusedAlways(d.row))
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
	assert.InDelta(t, 0.1, finds(func(row, _ int) bool { return tenth(row) }), 0.05)
	assert.InDelta(t, 0.33, finds(func(row, _ int) bool { return row%3 == 0 }), 0.1)
}

func TestCallsThatAreRefusedForTheirNumberAreNotTakenForRows(t *testing.T) {
	for _, share := range []float64{0.01, 0.1, 0.3, 0.6, 0.9} {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 1))
			assert.Zero(t, finds(func(int, int) bool { return r.Float64() < share }), "%g, %d", share, seed)
		}
	}
}
