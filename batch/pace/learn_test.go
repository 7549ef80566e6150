package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/blame"
)

func TestTheRateDoublesWhileItGoesWell(t *testing.T) {
	c := newClient(Config{Search: true, MaxInFlight: 64})
	c.run(3*time.Second, time.Millisecond, ok)
	assert.GreaterOrEqual(t, c.rate, 16*firstRate)
	assert.Zero(t, c.Snapshot(c.now).Learned, "nothing is known yet")
}

func TestTheRateDoesNotGrowWhereItDoesNotLimitSending(t *testing.T) {
	c := newClient(Config{Search: true, MaxInFlight: 64})
	c.run(3*time.Second, time.Millisecond, ok)
	was := c.rate
	for range 100 { // one call a second
		c.attempts(t, 1, Signal{})
		c.now = c.now.Add(time.Second)
	}
	assert.LessOrEqual(t, c.rate, 2*was)
}

// settledAt is a client that has found the quota of a bucket.
func settledAt(t *testing.T, perSecond float64) (*client, *server) {
	t.Helper()
	c := newClient(Config{Search: true, MaxInFlight: 64})
	s := &server{quota: &bucket{rate: steady(perSecond), burst: perSecond / 4}}
	c.run(time.Minute, time.Millisecond, s.answers)
	require.InDelta(t, perSecond, c.rate, perSecond/8)
	return c, s
}

// answers is what the server says at once.
func (s *server) answers(now time.Time) Signal {
	if _, within := s.quota.take(now.Sub(start).Seconds()); !within {
		return Signal{Class: Throttled}
	}
	return ok(now)
}

func TestTheRateIsWhatTheServiceTakesWhateverItIs(t *testing.T) {
	for _, perSecond := range []float64{10, 50, 1000} {
		c, _ := settledAt(t, perSecond)
		assert.InDelta(t, perSecond, c.Snapshot(c.now).Learned, perSecond/8)
		assert.Less(t, c.Snapshot(c.now).Throttled, c.Snapshot(c.now).Sent/50)
	}
}

func TestAQuotaThatShrinksOrGrowsIsFollowed(t *testing.T) {
	for _, factor := range []float64{0.3, 2} {
		c, s := settledAt(t, 50)
		s.quota = &bucket{rate: steady(50 * factor), burst: 5}
		c.run(8*time.Minute, time.Millisecond, s.answers)
		assert.InDelta(t, 50*factor, c.rate, 50*factor/6)
	}
}

func TestAfterAnOutageTheRateDoublesBackFromAQuarter(t *testing.T) {
	c, s := settledAt(t, 100)
	was := c.good
	c.down(t, Unreachable)
	c.attempts(t, 1, Signal{})
	assert.InDelta(t, was/4, c.rate, 1)
	c.down(t, Unreachable)
	c.attempts(t, 1, Signal{})
	assert.InDelta(t, was/4, c.rate, 1, "and not a quarter of the quarter")
	c.run(3*time.Second, time.Millisecond, s.answers)
	assert.InDelta(t, was, c.rate, was/8)
}

func TestAFalseAlarmKeepsTheRate(t *testing.T) {
	c, _ := settledAt(t, 100)
	was := c.rate
	for range 50 {
		if c.Blocked() {
			break
		}
		c.attempts(t, 1, Signal{Class: Fault})
	}
	require.True(t, c.Blocked())
	c.attempts(t, 1, Signal{})
	assert.InDelta(t, was, c.rate, 1e-9)
}

func TestAnUnpacedRunIsPacedOnceTheServiceBrokeDown(t *testing.T) {
	c := newClient(Config{MaxInFlight: 1000})
	for range 4000 { // a second
		c.attempts(t, 1, Signal{Latency: time.Millisecond})
		c.now = c.now.Add(-750 * time.Microsecond)
	}
	require.False(t, c.paced())
	c.down(t, Unreachable)
	c.attempts(t, 1, Signal{Latency: time.Millisecond})
	require.True(t, c.paced())
	assert.InDelta(t, 1000, c.rate, 300, "a quarter of what it took")
}

func TestAnswersToAttemptsBeforeABlockDoNotChangeTheRate(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, Ceiling: 1000})
	third := c.Sent(c.now)
	c.now = c.now.Add(time.Second)
	c.attempts(t, 2, Signal{Class: Throttled})
	c.attempts(t, 1, Signal{})
	require.False(t, c.Blocked())
	was := c.rate
	c.Answered(c.now, third, Signal{Class: Throttled}, &blame.Row{})
	assert.InDelta(t, was, c.rate, 1e-9)
	assert.False(t, c.Blocked())
}

func TestOnlyARateThatWentWellForLongIsSure(t *testing.T) {
	for used, sure := range map[time.Duration]float64{settles - 1: 0, settles: 50} { // how long ago the quota was used up
		c := New(Config{Search: true})
		c.cruise(epoch, 50)
		c.credit, c.spent.at, c.sure = 1, epoch.Add(-used), 40
		c.raise(epoch)
		assert.InDelta(t, sure, c.sure, 0, used)
		c.raise(epoch)
		assert.InDelta(t, sure, c.sure, 0, "and not one that is only being tried")
		assert.Greater(t, c.good, 50.0)
	}
}

func TestARateThatIsAboutRightIsNotLeftForWhatAMomentSays(t *testing.T) {
	for settled, rate := range map[bool]float64{false: 40, true: 60} {
		c := New(Config{Search: true})
		c.cruise(epoch, 60)
		c.taken, c.learnt, c.spent = 400, mark{at: epoch.Add(-settles)}, mark{at: epoch, taken: 380}
		if !settled {
			c.learnt = mark{at: epoch}
		}
		now := epoch.Add(c.dwell / 2)
		c.taken = 396
		c.lower(now, mark{now, 396}, 60)
		assert.InDelta(t, rate, c.rate, 0.001, settled)
	}
}

func TestARateThatWasGoodForLongIsNotUndercutByOneThatWasOnlyTried(t *testing.T) {
	for name, c := range map[string]struct{ sure, rate float64 }{
		"measured for a moment":      {0, 40},
		"good for long":              {49, 49},
		"no less than a step lower":  {60, 60 * (1 - firstStep/2)},
		"what was good is long past": {20, 40},
	} {
		p := New(Config{Search: true})
		p.cruise(epoch, 60)
		p.learnt, p.spent, p.sure = mark{at: epoch}, mark{at: epoch}, c.sure
		p.taken = 40
		p.lower(epoch.Add(time.Second), mark{epoch.Add(time.Second), 40}, 60)
		assert.InDelta(t, c.rate, p.rate, 0.001, name)
		assert.Zero(t, p.sure, "once")
	}
}

func TestTrialsThatMayHaveMetBadRowsLowerTheRateToAnEighthAtMost(t *testing.T) {
	for early, rate := range map[bool]float64{true: 25, false: 4} {
		c := New(Config{Ceiling: 200})
		c.cycle.at = epoch
		c.window(epoch.Add(10*time.Second), &block{early: early, last: epoch.Add(9 * time.Second)}, 200, 1)
		assert.InDelta(t, rate, c.rate, 0.001)
	}
}
