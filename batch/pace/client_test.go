package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"bulkonboard/batch/blame"
)

var start = time.Unix(1e9, 0)

// client is a dispatcher without a service: it sends whatever it may, and its
// timers are late by as much as jitter.
type client struct {
	*Controller
	now    time.Time
	random *rand.Rand
	sent   []time.Time
	tried  bool // no row is left that was never tried
}

func newClient(c Config) *client {
	return &client{Controller: New(c), now: start, random: rand.New(rand.NewPCG(1, 1))}
}

func (c *client) next(inFlight int) Decision { return c.Next(c.now, inFlight, !c.tried) }

// run sends for a time, and has every attempt answered at once.
func (c *client) run(d, jitter time.Duration, answer func(now time.Time) Signal) {
	for end := c.now.Add(d); c.now.Before(end); {
		v := c.next(0)
		if !v.Send {
			c.now = later(c.now, v.At).Add(time.Duration(c.random.Int64N(int64(jitter))))
			continue
		}
		t := c.Sent(c.now)
		c.sent = append(c.sent, c.now)
		c.now = c.now.Add(time.Microsecond)
		c.Answered(c.now, t, answer(c.now), &blame.Row{})
	}
}

// attempt sends one attempt, as soon as it is allowed, and has it answered.
func (c *client) attempt(t *testing.T, s Signal, b *blame.Row) {
	t.Helper()
	v := c.next(0)
	if !v.Send {
		require.Equal(t, GoesOn, v.End)
		require.False(t, v.At.IsZero())
		c.now = later(c.now, v.At)
		require.True(t, c.next(0).Send)
	}
	c.Answered(c.now, c.Sent(c.now), s, b)
}

// attempts sends attempts for as many new rows.
func (c *client) attempts(t *testing.T, n int, s Signal) []*blame.Row {
	t.Helper()
	var rows []*blame.Row
	for range n {
		b := &blame.Row{}
		rows = append(rows, b)
		c.attempt(t, s, b)
		c.now = c.now.Add(time.Millisecond)
	}
	return rows
}

// wait lets the time pass until the next attempt may go.
func (c *client) wait(t *testing.T) time.Duration {
	t.Helper()
	v := c.next(0)
	require.Equal(t, GoesOn, v.End)
	require.False(t, v.Send)
	require.False(t, v.At.IsZero())
	waited := v.At.Sub(c.now)
	c.now = v.At
	return waited
}

// down lets a service fail every row until nothing but trials is sent, and the
// first of them fails, too.
func (c *client) down(t *testing.T, class Class) []*blame.Row {
	t.Helper()
	var rows []*blame.Row
	for !c.Blocked() {
		require.Less(t, len(rows), 20)
		rows = append(rows, c.attempts(t, 1, Signal{Class: class})...)
	}
	return append(rows, c.attempts(t, 1, Signal{Class: class})...)
}

func ok(time.Time) Signal { return Signal{Latency: time.Millisecond} }
