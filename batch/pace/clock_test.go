package pace

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/blame"
)

// wallSet is a time as it would be read after somebody has set the wall clock:
// its monotonic reading is the same. It relies on how time.Time is laid out,
// which the test checks.
func wallSet(t time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(int64(by/time.Second) << 30)
	return t
}

// TestNoClockButTheMonotonicOneDecides has the wall clock set back and forward
// again and again, by an hour and by years, and compares every decision with
// those of a run whose clock is left alone.
func TestNoClockButTheMonotonicOneDecides(t *testing.T) {
	now := time.Now()
	require.Equal(t, time.Hour, wallSet(now, time.Hour).Round(0).Sub(now.Round(0)))
	require.Zero(t, wallSet(now, time.Hour).Sub(now))

	decisions := func(by time.Duration) (all []string) {
		r := rand.New(rand.NewPCG(5, 5))
		c := New(Config{Search: true, MaxInFlight: 64, MaxOutage: time.Hour})
		s := &server{quota: &bucket{rate: steady(50), burst: 12}}
		at, wall := now, time.Duration(0)
		read := func() time.Time { return wallSet(at, wall) }
		for end := at.Add(3 * time.Minute); at.Before(end); {
			if r.IntN(100) == 0 {
				wall = by - wall
			}
			v := c.Next(read(), 0, true)
			if !v.Send {
				all = append(all, "wait "+v.At.Sub(at).String())
				at = at.Add(max(0, v.At.Sub(at)) + time.Duration(r.Int64N(1e6)))
				continue
			}
			all = append(all, "send")
			ticket := c.Sent(read())
			at = at.Add(time.Millisecond)
			signal := Signal{Class: Accepted, Latency: time.Millisecond}
			_, within := s.quota.take(at.Sub(now).Seconds())
			switch out := at.Sub(now).Seconds(); {
			case out > 60 && out < 80:
				signal.Class = Down
			case !within:
				signal.Class, signal.RetryAfter = Throttled, time.Second
			}
			c.Answered(read(), ticket, signal, &blame.Row{})
		}
		return all
	}
	want := decisions(0)
	require.Greater(t, len(want), 1000)
	for _, by := range []time.Duration{-time.Hour, time.Hour, 30 * 365 * 24 * time.Hour, -30 * 365 * 24 * time.Hour} {
		assert.Equal(t, want, decisions(by), "the wall clock set by %s", by)
	}
}
