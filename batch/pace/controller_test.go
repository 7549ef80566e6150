package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestWhatTheServiceSaysOfItsQuotaIsTaken(t *testing.T) {
	c := newClient(Config{MaxInFlight: 64, Search: true})
	c.attempts(t, 1, Signal{Quota: 200, Concurrent: 10})
	assert.InDelta(t, 198, c.rate, 0.1)
	c.now = c.now.Add(time.Second)
	assert.False(t, c.next(10).Send, "no more at once than it says")

	c = newClient(Config{MaxInFlight: 64, Ceiling: 50})
	c.attempts(t, 1, Signal{Quota: 200})
	assert.InDelta(t, 50, c.rate, 0.1, "and never more than the user says")
}

func TestALearnedPaceThatIsWrongCostsSeconds(t *testing.T) {
	for _, factor := range []float64{0.3, 3} {
		c := newClient(Config{Search: true, Start: 50 * factor, MaxInFlight: 64})
		s := &server{quota: &bucket{rate: steady(50), burst: 10}}
		c.run(20*time.Second, time.Millisecond, s.answers)
		c.sent = nil
		c.run(10*time.Second, time.Millisecond, s.answers)
		assert.InDelta(t, 500, len(c.sent), 60)
	}
}

func TestStallsTakeLittleOfTheCeiling(t *testing.T) {
	const ceiling = 1000
	c := newClient(Config{Ceiling: ceiling, MaxInFlight: 1})
	for range 300 { // five a second
		c.run(150*time.Millisecond, 500*time.Microsecond, ok)
		c.now = c.now.Add(time.Duration(c.random.Int64N(int64(45 * time.Millisecond))))
	}
	assert.GreaterOrEqual(t, float64(len(c.sent))/ceiling/c.now.Sub(start).Seconds(), 0.97)
}

func TestALateTimerIsMadeUpForAndAnIdleTimeIsNot(t *testing.T) {
	c := newClient(Config{Search: true, Start: 100, MaxInFlight: 64})
	c.attempts(t, 1, Signal{})
	c.now = c.now.Add(time.Hour)
	n := 0
	for ; c.next(0).Send; n++ {
		c.Sent(c.now)
	}
	assert.LessOrEqual(t, n, 3)
}
