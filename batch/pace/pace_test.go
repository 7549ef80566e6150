package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var start = time.Unix(1e9, 0)

// sendFor lets a dispatcher that wakes up late by as much as jitter send
// whatever it may, and returns when it sent.
func sendFor(c *Controller, d, jitter time.Duration, answer func(now time.Time)) []time.Time {
	r := rand.New(rand.NewPCG(1, 1))
	var sent []time.Time
	for now := start; now.Before(start.Add(d)); {
		v := c.Next(now, 0)
		if !v.Send {
			now = v.At.Add(time.Duration(r.Int64N(int64(jitter))))
			continue
		}
		c.Sent(now)
		sent = append(sent, now)
		answer(now)
		now = now.Add(time.Microsecond)
	}
	return sent
}

func accept(c *Controller) func(time.Time) {
	return func(now time.Time) { c.Answered(now, Signal{Class: Accepted}) }
}

func busiestSecond(sent []time.Time) int {
	busiest, from := 0, 0
	for i, at := range sent {
		for at.Sub(sent[from]) >= time.Second {
			from++
		}
		busiest = max(busiest, i-from+1)
	}
	return busiest
}

func TestTheCeilingIsReachedAndNeverPassedWhateverTheTimersDo(t *testing.T) {
	for _, ceiling := range []float64{0.5, 5, 50, 1000} {
		for _, jitter := range []time.Duration{time.Microsecond, time.Millisecond} {
			c := New(Config{Ceiling: ceiling, MaxInFlight: 1})
			sent := sendFor(c, 60*time.Second, jitter, accept(c))
			assert.GreaterOrEqual(t, float64(len(sent)), 0.98*ceiling*60, "%v/s, %v", ceiling, jitter)
			assert.LessOrEqual(t, float64(busiestSecond(sent)), ceiling+2, "%v/s, %v", ceiling, jitter)
		}
	}
}

func TestIdlenessSavesUpNothing(t *testing.T) {
	c := New(Config{Ceiling: 10, MaxInFlight: 1})
	require.True(t, c.Next(start, 0).Send)
	c.Sent(start)
	later := start.Add(time.Hour)
	require.True(t, c.Next(later, 0).Send)
	c.Sent(later)
	v := c.Next(later, 0)
	assert.False(t, v.Send, "one after an idle hour, and not two")
	assert.Equal(t, 100*time.Millisecond, v.At.Sub(later).Round(time.Millisecond))
}

func TestNothingIsSentInAHold(t *testing.T) {
	cases := []struct {
		name string
		hint time.Duration
		want time.Duration
	}{
		{"as long as the service asks for", 7 * time.Second, 7 * time.Second},
		{"a second when it does not say", 0, defaultHold},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := New(Config{MaxInFlight: 8})
			p.Sent(start)
			charged := p.Answered(start, Signal{Class: Throttled, RetryAfter: c.hint})
			assert.False(t, charged, "a throttled attempt is not its row's fault")
			assert.Equal(t, Verdict{At: start.Add(c.want)}, p.Next(start, 0))
			assert.True(t, p.Next(start.Add(c.want), 0).Send)
			assert.Equal(t, Snapshot{Throttled: 1, Held: c.want}, p.Snapshot())
		})
	}
}

func TestAShorterHintDoesNotShortenAHold(t *testing.T) {
	c := New(Config{MaxInFlight: 8})
	c.Sent(start)
	c.Answered(start, Signal{Class: Throttled, RetryAfter: 10 * time.Second})
	c.Sent(start)
	c.Answered(start, Signal{Class: Throttled, RetryAfter: time.Second})
	assert.Equal(t, start.Add(10*time.Second), c.Next(start, 0).At)
	assert.Equal(t, 10*time.Second, c.Snapshot().Held)
}

func TestNoMoreAreInFlightThanAllowed(t *testing.T) {
	c := New(Config{MaxInFlight: 2})
	assert.True(t, c.Next(start, 1).Send)
	assert.Equal(t, Verdict{}, c.Next(start, 2), "only an answer changes anything")
}

func TestOnlyFailuresOfTheServiceAreCharged(t *testing.T) {
	for class, want := range map[Class]bool{Accepted: false, Throttled: false, Fault: true, Down: true, Neutral: false} {
		c := New(Config{MaxInFlight: 1})
		c.Sent(start)
		assert.Equal(t, want, c.Answered(start, Signal{Class: class}), "class %d", class)
	}
}
