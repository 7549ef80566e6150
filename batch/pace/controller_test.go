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

var start = time.Unix(1e9, 0)

// client is a dispatcher without a service: it sends whatever it may, and its
// timers are late by as much as jitter.
type client struct {
	*Controller
	now    time.Time
	random *rand.Rand
	sent   []time.Time
}

func newClient(c Config) *client {
	return &client{Controller: New(c), now: start, random: rand.New(rand.NewPCG(1, 1))}
}

// run sends for a time, and has every attempt answered at once.
func (c *client) run(d, jitter time.Duration, answer func(now time.Time) Signal) {
	for end := c.now.Add(d); c.now.Before(end); {
		v := c.Next(c.now, 0)
		if !v.Send {
			c.now = later(c.now, v.At).Add(time.Duration(c.random.Int64N(int64(jitter))))
			continue
		}
		t := c.Sent(c.now)
		c.sent = append(c.sent, c.now)
		c.now = c.now.Add(time.Microsecond)
		c.Answered(c.now, t, answer(c.now), &Blame{})
	}
}

// attempt sends one attempt, which must be allowed, and has it answered.
func (c *client) attempt(t *testing.T, s Signal, b *Blame) {
	t.Helper()
	require.True(t, c.Next(c.now, 0).Send)
	c.Answered(c.now, c.Sent(c.now), s, b)
}

// wait lets the time pass until the next attempt may go.
func (c *client) wait(t *testing.T) time.Duration {
	t.Helper()
	v := c.Next(c.now, 0)
	require.False(t, v.Send)
	require.False(t, v.At.IsZero())
	waited := v.At.Sub(c.now)
	c.now = v.At
	return waited
}

func accepted(time.Time) Signal { return Signal{Class: Accepted} }

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
			c := newClient(Config{Ceiling: ceiling, MaxInFlight: 1})
			c.run(time.Minute, jitter, accepted)
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
			c.run(200*time.Millisecond-min(stall, 100*time.Millisecond), 500*time.Microsecond, accepted)
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
		c.run(250*time.Millisecond, time.Microsecond, accepted)
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
			c.run(time.Second, time.Microsecond, accepted)
			c.now = c.now.Add(time.Second)
			c.run(50*time.Millisecond, time.Microsecond, accepted)
			sent, now = append(sent, c.sent...), c.now
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	assert.LessOrEqual(t, busiestSecond(sent), quota)
}

func TestAfterA429NothingIsSentAndThenOneTrial(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	c.attempt(t, Signal{Class: Throttled, RetryAfter: 7 * time.Second}, &Blame{})
	assert.Equal(t, 7*time.Second, c.wait(t))
	require.True(t, c.Next(c.now, 0).Send)
	trial := c.Sent(c.now)
	assert.False(t, c.Next(c.now, 1).Send, "one trial, alone")

	c.Answered(c.now, trial, Signal{Class: Throttled}, &Blame{})
	assert.Positive(t, c.wait(t), "a trial in vain prolongs the hold")
	c.attempt(t, Signal{Class: Accepted}, &Blame{})
	assert.False(t, c.hold.on || c.Out())
	assert.EqualValues(t, 2, c.Snapshot(c.now).Throttled)
	assert.GreaterOrEqual(t, c.Snapshot(c.now).Held, 7*time.Second)
}

func TestAfterAHoldOneIsInFlightAndOneMoreForEachAnswer(t *testing.T) {
	c := newClient(Config{Search: true, MaxInFlight: 8})
	c.attempt(t, Signal{Class: Throttled}, &Blame{})
	c.wait(t)
	c.attempt(t, Signal{Class: Accepted}, &Blame{}) // the trial
	c.now = c.now.Add(10 * time.Second)
	require.True(t, c.Next(c.now, 0).Send)
	first := c.Sent(c.now)
	c.now = c.now.Add(10 * time.Second)
	assert.Equal(t, Verdict{}, c.Next(c.now, 1), "only an answer can change that")
	c.Answered(c.now, first, Signal{Class: Accepted}, &Blame{})
	require.True(t, c.Next(c.now, 1).Send)
}

func TestAnswersToAttemptsBeforeAHoldChangeNothing(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	first, second, third := c.Sent(c.now), c.Sent(c.now), c.Sent(c.now)
	c.Answered(c.now, first, Signal{Class: Throttled}, &Blame{})
	c.wait(t)
	trial := c.Sent(c.now)
	c.Answered(c.now, second, Signal{Class: Throttled}, &Blame{})
	c.Answered(c.now, trial, Signal{Class: Accepted}, &Blame{})
	before := c.rate
	c.Answered(c.now, third, Signal{Class: Throttled}, &Blame{})
	assert.InDelta(t, before, c.rate, 1e-9)
	assert.False(t, c.hold.on || c.Out())
}

func TestALongerHintProlongsAHoldAndAShorterOneDoesNotShortenIt(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	first, second, third := c.Sent(c.now), c.Sent(c.now), c.Sent(c.now)
	c.Answered(c.now, first, Signal{Class: Throttled, RetryAfter: 10 * time.Second}, &Blame{})
	c.Answered(c.now, second, Signal{Class: Throttled, RetryAfter: time.Second}, &Blame{})
	c.Answered(c.now, third, Signal{Class: Throttled, RetryAfter: 12 * time.Second}, &Blame{})
	assert.Equal(t, 12*time.Second, c.wait(t))
}

func TestAWaitThatIsTooLongEndsTheRunAndSaysWhenToComeBack(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxWait: 15 * time.Minute})
	c.attempt(t, Signal{Class: Throttled, RetryAfter: time.Hour}, &Blame{})
	var wait *WaitError
	require.ErrorAs(t, c.Next(c.now, 0).End, &wait)
	assert.Equal(t, start.Add(time.Hour), wait.Until)
}

func TestWhatTheServiceSaysOfItsQuotaIsTaken(t *testing.T) {
	c := newClient(Config{MaxInFlight: 64, Search: true})
	c.attempt(t, Signal{Class: Accepted, Quota: 200, Concurrent: 10}, &Blame{})
	assert.InDelta(t, 198, c.rate, 0.1)
	assert.False(t, c.Next(c.now.Add(time.Second), 10).Send, "no more at once than it says")

	c = newClient(Config{MaxInFlight: 64, Ceiling: 50})
	c.attempt(t, Signal{Class: Accepted, Quota: 200}, &Blame{})
	assert.InDelta(t, 50, c.rate, 0.1, "and never more than the user says")
}

func TestNoMoreAreInFlightThanAllowed(t *testing.T) {
	c := newClient(Config{MaxInFlight: 2})
	assert.True(t, c.Next(start, 1).Send)
	assert.Equal(t, Verdict{}, c.Next(start, 2), "only an answer changes anything")
}

func TestALearnedPaceIsWhereTheNextRunBegins(t *testing.T) {
	c := newClient(Config{MaxInFlight: 64, Search: true})
	c.Resume(120)
	assert.InDelta(t, 120, c.rate, 0.1)
	c = newClient(Config{MaxInFlight: 64, Search: true, Start: 90})
	c.Resume(120)
	assert.InDelta(t, 90, c.rate, 0.1)
	c = newClient(Config{MaxInFlight: 64, Ceiling: 50})
	c.Resume(120)
	assert.InDelta(t, 50, c.rate, 0.1)
}

func TestEveryHoldOutageAndLargeChangeIsReported(t *testing.T) {
	var kinds []EventKind
	c := newClient(Config{MaxInFlight: 64, Ceiling: 100, Report: func(e Event) { kinds = append(kinds, e.Kind) }})
	for range outageStreak {
		c.attempt(t, Signal{Class: Unreachable}, &Blame{})
		c.now = c.now.Add(time.Second)
	}
	c.attempt(t, Signal{Class: Accepted}, &Blame{})
	c.now = c.now.Add(time.Second)
	c.attempt(t, Signal{Class: Throttled}, &Blame{})
	assert.Equal(t, []EventKind{OutageOpen, OutageOver, PaceChange, Hold}, kinds)
}
