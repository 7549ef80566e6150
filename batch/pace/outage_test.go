package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// down lets a service go down: rows fail until the breaker is open.
func down(t *testing.T, c *client, class Class) []*Blame {
	t.Helper()
	var rows []*Blame
	for range outageStreak {
		b := &Blame{}
		rows = append(rows, b)
		c.attempt(t, Signal{Class: class}, b)
		c.now = c.now.Add(time.Millisecond)
	}
	require.True(t, c.Out())
	return rows
}

func TestAnOutageIsProbedAtGrowingIntervalsAndEndsWithAnAnswer(t *testing.T) {
	for _, class := range []Class{Fault, Down, Unreachable} {
		c := newClient(Config{MaxInFlight: 8})
		down(t, c, class)
		var waits []time.Duration
		for range 7 {
			waits = append(waits, c.wait(t).Round(10*time.Millisecond))
			c.attempt(t, Signal{Class: class}, &Blame{})
		}
		s := time.Second
		assert.Equal(t, []time.Duration{s, 2 * s, 4 * s, 8 * s, 15 * s, 15 * s, 15 * s}, waits)
		c.wait(t)
		c.attempt(t, Signal{Class: Accepted}, &Blame{})
		assert.False(t, c.Out())
		assert.EqualValues(t, 1, c.Snapshot(c.now).Outages)
		assert.Greater(t, c.Snapshot(c.now).Outage, time.Minute)
	}
}

func TestAHoldThatTurnsIntoAnOutageIsCountedUpToThen(t *testing.T) {
	c := newClient(Config{MaxInFlight: 20})
	var inFlight []Ticket
	for range outageStreak {
		inFlight = append(inFlight, c.Sent(c.now))
	}
	c.attempt(t, Signal{Class: Throttled, RetryAfter: time.Minute}, &Blame{})
	c.now = c.now.Add(10 * time.Second)
	for _, ticket := range inFlight {
		c.Answered(c.now, ticket, Signal{Class: Down}, &Blame{})
	}
	require.True(t, c.Out())
	c.wait(t)
	c.attempt(t, Signal{Class: Accepted}, &Blame{})
	require.False(t, c.hold.on || c.Out())
	assert.Equal(t, 10*time.Second, c.Snapshot(c.now).Held)
	assert.Positive(t, c.Snapshot(c.now).Outage)
}

func TestWhileACanaryIsUnderWayOnlyItsAnswerOrTheEndIsWaitedFor(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Hour} {
		c := newClient(Config{MaxInFlight: 8, MaxOutage: limit})
		down(t, c, Down)
		c.wait(t)
		require.True(t, c.Next(c.now, 0).Send)
		c.Sent(c.now)
		v := c.Next(c.now.Add(time.Minute), 1)
		require.False(t, v.Send)
		assert.Equal(t, limit == 0, v.At.IsZero(), "who does not end has no time to look again, and none in the past")
	}
}

func TestAnUnpacedRunIsPacedOnceTheServiceBrokeDown(t *testing.T) {
	c := newClient(Config{MaxInFlight: 1000})
	for range 4000 { // a second
		c.attempt(t, Signal{Class: Accepted, Latency: time.Millisecond}, &Blame{})
		c.now = c.now.Add(250 * time.Microsecond)
	}
	require.False(t, c.paced())
	down(t, c, Down)
	c.wait(t)
	c.attempt(t, Signal{Class: Accepted, Latency: time.Millisecond}, &Blame{})
	require.True(t, c.paced())
	assert.InDelta(t, 1000/3, c.rate, 500, "a quarter of what it took")
}

func TestAnAnswerFromBeforeAFailureDoesNotSpeakForTheService(t *testing.T) {
	c := newClient(Config{MaxInFlight: 20})
	early := c.Sent(c.now)
	c.now = c.now.Add(time.Second)
	for i := range outageStreak {
		if i == outageStreak-1 {
			c.Answered(c.now, early, Signal{Class: Accepted}, &Blame{})
		}
		c.attempt(t, Signal{Class: Down}, &Blame{})
	}
	assert.True(t, c.Out())
}

func TestNobodyIsChargedForAnOutage(t *testing.T) {
	for _, class := range []Class{Fault, Down, Unreachable} {
		c := newClient(Config{MaxInFlight: 100})
		for _, b := range down(t, c, class) {
			assert.False(t, b.Used(1))
		}
		b := &Blame{}
		for range 20 {
			c.wait(t)
			c.attempt(t, Signal{Class: class}, &Blame{})
		}
		late := Ticket{sent: start}
		c.Answered(c.now, late, Signal{Class: Fault}, b)
		assert.False(t, b.Used(1), "nor those who were in flight")
	}
}

func TestOneBadRowIsChargedAndStopsNobody(t *testing.T) {
	for _, class := range []Class{Fault, Down} {
		c := newClient(Config{MaxInFlight: 8})
		bad := &Blame{}
		tries := 0
		for !bad.Used(8) {
			tries++
			require.Less(t, tries, 12)
			c.attempt(t, Signal{Class: class}, bad)
			c.attempt(t, Signal{Class: Accepted}, &Blame{})
		}
		assert.False(t, c.Out())
		assert.Equal(t, 8, tries)
	}
}

func TestTheLastRowThatFailsForEverIsNoOutage(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	bad := &Blame{}
	c.attempt(t, Signal{Class: Fault}, bad)
	c.attempt(t, Signal{Class: Accepted}, &Blame{})
	for range 7 {
		c.attempt(t, Signal{Class: Fault}, bad)
	}
	assert.True(t, bad.Used(8))
	assert.False(t, c.Out())

	alone := newClient(Config{MaxInFlight: 8})
	bad = &Blame{}
	for range 8 {
		alone.attempt(t, Signal{Class: Fault}, bad)
	}
	assert.True(t, bad.Used(8), "one row, the only one of its list")
}

func TestOneRowAloneRidesOutAServiceThatSaysItIsDown(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	row := &Blame{}
	for !c.Out() {
		c.attempt(t, Signal{Class: Down}, row)
	}
	for range 50 {
		c.wait(t)
		c.attempt(t, Signal{Class: Down}, row)
	}
	assert.False(t, row.Used(8))
}

func TestACanaryThatMustBeTheSameRowAgainIsCharged(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	down(t, c, Unreachable)
	row := &Blame{}
	for range 9 {
		c.wait(t)
		c.attempt(t, Signal{Class: Fault}, row)
	}
	assert.True(t, row.Used(8), "the service is back, and only this row fails")
}

func TestAnOutageThatDoesNotEndEndsTheRun(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour})
	down(t, c, Down)
	var end error
	for end == nil {
		v := c.Next(c.now, 0)
		if end = v.End; v.Send {
			c.Answered(c.now, c.Sent(c.now), Signal{Class: Down}, &Blame{})
		}
		c.now = later(c.now, v.At)
	}
	var outage *OutageError
	require.ErrorAs(t, end, &outage)
	assert.Equal(t, start, outage.Since)
	assert.Equal(t, time.Hour, c.now.Sub(start).Round(time.Minute))
}

func TestACallThatHangsDoesNotKeepTheRunFromEnding(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour})
	down(t, c, Fault)
	c.wait(t)
	c.Sent(c.now)
	v := c.Next(c.now, 1)
	assert.False(t, v.Send)
	assert.Equal(t, start.Add(time.Hour), v.At)
}

func TestAServiceThatSaysUntilWhenItIsDownIsTakenAtItsWord(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	c.attempt(t, Signal{Class: Down, RetryAfter: 40 * time.Second}, &Blame{})
	assert.Equal(t, 40*time.Second, c.wait(t))
}

func TestFailuresCountLessWhereTheServiceFailsOthersToo(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	for i := range 500 {
		class := Accepted
		if i%5 == 0 {
			class = Fault
		}
		c.attempt(t, Signal{Class: class}, &Blame{})
	}
	bad, tries := &Blame{}, 0
	for ; !bad.Used(8); tries++ {
		c.attempt(t, Signal{Class: Fault}, bad)
		c.attempt(t, Signal{Class: Accepted}, &Blame{})
	}
	assert.InDelta(t, 13, tries, 2, "eight attempts, where every fifth fails anyway")
}

func TestAnOutageIsReportedWithItsCause(t *testing.T) {
	var reasons []string
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour, Report: func(e Event) { reasons = append(reasons, e.Reason) }})
	for range outageStreak {
		c.attempt(t, Signal{Class: Unreachable, Cause: "dns_failure: no such host"}, &Blame{})
		c.now = c.now.Add(time.Millisecond)
	}
	require.Len(t, reasons, 1)
	assert.Contains(t, reasons[0], "dns_failure: no such host")
	c.wait(t)
	c.attempt(t, Signal{Class: Fault, Cause: "http_500: Server error"}, &Blame{})
	c.now = c.now.Add(time.Hour)
	require.ErrorContains(t, c.Next(c.now, 0).End, "the last time: http_500: Server error")
}
