package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/blame"
)

func TestFailuresOfUntriedRowsInARowStopTheRun(t *testing.T) {
	cases := []struct {
		name  string
		class Class
		rows  int // failures until nothing but trials is sent
	}{
		{"429s", Throttled, 2},
		{"503s", Down, 2},
		{"500s", Fault, inARow},
		{"no connection", Unreachable, inARow},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := newClient(Config{MaxInFlight: 8})
			client.attempts(t, 1, Signal{})
			client.attempts(t, c.rows-1, Signal{Class: c.class})
			require.False(t, client.Blocked())
			client.attempts(t, 1, Signal{Class: c.class})
			require.True(t, client.Blocked())
			v := client.next(0)
			client.now = v.At
			assert.True(t, client.next(0).Trial, "for a row that was never tried")
		})
	}
}

func TestOneRowThatFailsAgainAndAgainStopsNoOther(t *testing.T) {
	for _, class := range []Class{Throttled, Down, Fault} {
		c := newClient(Config{MaxInFlight: 8})
		c.attempts(t, 1, Signal{})
		bad := &blame.Row{}
		for range 20 {
			c.attempt(t, Signal{Class: class}, bad)
			require.False(t, c.Blocked())
		}
	}
}

func TestASuccessEndsAStreakUnlessItWasSentBefore(t *testing.T) {
	c := newClient(Config{MaxInFlight: 20})
	early := c.Sent(c.now)
	c.now = c.now.Add(time.Second)
	c.attempts(t, inARow-1, Signal{Class: Fault})
	c.Answered(c.now, early, Signal{}, &blame.Row{})
	c.attempts(t, 1, Signal{Class: Fault})
	assert.True(t, c.Blocked())

	c = newClient(Config{MaxInFlight: 20})
	for range 20 {
		c.attempts(t, 2, Signal{Class: Fault})
		c.attempts(t, 1, Signal{})
	}
	assert.False(t, c.Blocked())
}

func TestOneTrialAtATimeIsSent(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Hour} {
		c := newClient(Config{MaxInFlight: 8, MaxOutage: limit})
		c.down(t, Down)
		c.wait(t)
		require.True(t, c.next(0).Send)
		c.Sent(c.now)
		v := c.next(1)
		require.False(t, v.Send)
		assert.Equal(t, mostCanary*5/4, v.At.Sub(c.now), "unless it hangs")
		assert.True(t, c.Snapshot(c.now).Until.IsZero())
		v = c.next(8)
		require.False(t, v.Send, "no room in flight")
		assert.Equal(t, limit == 0, v.At.IsZero(), "only its answer changes anything, or the end")
	}
}

func TestATrialThatHangsDoesNotKeepTheNextFromEndingTheOutage(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	c.attempts(t, 1, Signal{})
	c.down(t, Fault)
	c.wait(t)
	hangs := c.Sent(c.now)
	c.wait(t)
	c.attempts(t, 1, Signal{})
	require.False(t, c.Blocked())
	c.attempts(t, 1, Signal{})
	state := c.Snapshot(c.now)
	c.Answered(c.now, hangs, Signal{Class: Fault}, &blame.Row{})
	assert.Equal(t, state, c.Snapshot(c.now), "what it says is of the outage that is over")

	c.down(t, Fault)
	c.wait(t)
	later := c.Sent(c.now)
	c.Answered(c.now, hangs, Signal{}, &blame.Row{})
	assert.True(t, c.Blocked(), "nor does its success end the next one")
	c.Answered(c.now, later, Signal{}, &blame.Row{})
	assert.False(t, c.Blocked())
}

func TestTheNextTrialDoesNotWaitAgainForOneThatHung(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	c.attempts(t, 1, Signal{})
	c.down(t, Fault)
	for c.now.Sub(start) < 5*time.Minute {
		c.wait(t)
		c.Sent(c.now)
	}
	first := c.Sent(c.now)
	c.now = c.now.Add(2 * mostCanary)
	c.Answered(c.now, first, Signal{Class: Fault}, &blame.Row{})
	assert.True(t, c.next(0).Send)
}

func TestTrialsOfAnOutageComeAtGrowingIntervalsUpToTheLongest(t *testing.T) {
	for _, class := range []Class{Fault, Down, Unreachable} {
		c := newClient(Config{MaxInFlight: 8})
		c.proven = true
		c.down(t, class)
		last := time.Duration(0)
		for range 40 {
			waited := c.wait(t)
			require.GreaterOrEqual(t, waited, last)
			last = waited
			c.attempts(t, 1, Signal{Class: class})
		}
		assert.InDelta(t, mostCanary, last, float64(10*time.Millisecond))
		c.attempts(t, 1, Signal{})
		assert.False(t, c.Blocked())
		assert.EqualValues(t, 1, c.Snapshot(c.now).Outages)
		assert.Greater(t, c.Snapshot(c.now).Outage, time.Minute)
	}
}

func TestATrialThatFailsInANewWayIsFollowedByAnotherSoon(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	c.attempts(t, 1, Signal{})
	c.down(t, Unreachable)
	fails := func(class Class, after time.Duration) time.Duration {
		if !c.next(0).Send {
			c.wait(t)
		}
		ticket := c.Sent(c.now)
		c.now = c.now.Add(after)
		c.Answered(c.now, ticket, Signal{Class: class}, &blame.Row{})
		return c.next(0).At.Sub(c.now)
	}
	for c.now.Sub(start) < 5*time.Minute {
		fails(Unreachable, 0)
	}
	assert.Less(t, fails(Fault, 2*mostCanary), time.Duration(0), "one that hung waited for long enough")
	assert.Equal(t, 2*round, fails(Fault, 0))
	assert.Equal(t, mostCanary, fails(Fault, 0))
	assert.Equal(t, 2*round, fails(Down, 0))
	assert.Equal(t, mostCanary, fails(Unreachable, 0))
}

func TestAWaitThatWasAskedForIsObeyed(t *testing.T) {
	for _, class := range []Class{Throttled, Down} {
		c := newClient(Config{MaxInFlight: 8})
		c.attempts(t, 1, Signal{Class: class, RetryAfter: 7 * time.Second})
		require.True(t, c.Blocked())
		assert.InDelta(t, 7*time.Second, c.wait(t), float64(2*time.Millisecond))
		c.attempts(t, 1, Signal{Class: Throttled, RetryAfter: time.Minute})
		assert.InDelta(t, time.Minute, c.wait(t), float64(2*time.Millisecond), "and once more")
		c.attempts(t, 1, Signal{})
		assert.False(t, c.Blocked())
		assert.GreaterOrEqual(t, c.Snapshot(c.now).Held, 67*time.Second)
	}
}

func TestALongerWaitProlongsABlockAndAShorterOneDoesNotShortenIt(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	var tickets []Ticket
	for range 3 {
		require.True(t, c.next(len(tickets)).Send)
		tickets = append(tickets, c.Sent(c.now))
	}
	for i, asked := range []time.Duration{10, 1, 12} {
		c.Answered(c.now, tickets[i], Signal{Class: Throttled, RetryAfter: asked * time.Second}, &blame.Row{})
	}
	assert.Equal(t, 12*time.Second, c.wait(t))
}

func TestAWaitThatOthersDoNotNeedIsSoonNotObeyedAnyMore(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	for range 2 {
		c.attempts(t, 1, Signal{})
		c.attempts(t, 1, Signal{Class: Throttled, RetryAfter: time.Minute})
		c.wait(t)
	}
	assert.Less(t, c.now.Sub(start), 70*time.Second, "the second wait is asked for right after the first one")
	c.attempts(t, 1, Signal{})
	c.attempts(t, 1, Signal{Class: Throttled, RetryAfter: time.Minute})
	assert.False(t, c.Blocked(), "such waits are not for everybody")
}

func TestACallThatOvertookAnotherDoesNotSpeakAgainstAWait(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	first, overtaking := c.Sent(c.now), c.Sent(c.now.Add(time.Millisecond))
	c.Answered(c.now, first, Signal{Class: Throttled, RetryAfter: time.Minute}, &blame.Row{})
	c.Answered(c.now, overtaking, Signal{}, &blame.Row{})
	assert.InDelta(t, time.Minute, c.wait(t), float64(2*time.Millisecond))
	c.attempts(t, 1, Signal{})
	c.now = c.now.Add(2 * time.Minute)
	c.attempts(t, 1, Signal{Class: Throttled, RetryAfter: time.Minute})
	assert.InDelta(t, time.Minute, c.wait(t), float64(2*time.Millisecond), "and once more")
}

func TestAWaitBeyondWhatTheRunAllowsEndsItOnceAnotherRowIsToldTheSame(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: 15 * time.Minute})
	c.attempts(t, 1, Signal{Class: Throttled, RetryAfter: time.Hour})
	c.attempts(t, 1, Signal{Class: Throttled, RetryAfter: time.Hour})
	require.Equal(t, AskedLong, c.next(0).End)
	assert.WithinDuration(t, start.Add(time.Hour), c.Snapshot(c.now).Until, 2*time.Second)
}

func TestAnOutageThatDoesNotEndEndsTheRun(t *testing.T) {
	for _, class := range []Class{Fault, Down, Unreachable, Throttled} {
		c := newClient(Config{MaxInFlight: 8, MaxOutage: 20 * time.Minute})
		c.attempts(t, 1, Signal{})
		end := GoesOn
		for end == GoesOn {
			v := c.next(0)
			if end = v.End; v.Send {
				c.now = c.now.Add(time.Millisecond)
				c.Answered(c.now, c.Sent(c.now), Signal{Class: class, Cause: "the cause"}, &blame.Row{})
			}
			c.now = later(c.now, v.At)
		}
		require.Equal(t, TooLong, end)
		assert.InDelta(t, 20*time.Minute, c.now.Sub(start), float64(10*time.Second), "class %d", class)
		s := c.Snapshot(c.now)
		assert.Equal(t, class == Throttled, s.State == Held)
		assert.WithinDuration(t, start, s.Since, time.Second)
		assert.Equal(t, "the cause", s.Cause)
	}
}

func TestAServiceThatWasNeverReachedIsAWrongSetUp(t *testing.T) {
	for _, proven := range []bool{false, true} {
		c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour, Proven: proven})
		end := GoesOn
		for end == GoesOn {
			v := c.next(0)
			if end = v.End; v.Send {
				c.Answered(c.now, c.Sent(c.now), Signal{Class: Unreachable, Cause: "no such host", Setup: true}, &blame.Row{})
			}
			c.now = later(c.now, v.At)
		}
		assert.Equal(t, !proven, end == WrongSetup)
		if !proven {
			assert.Equal(t, "no such host", c.Snapshot(c.now).Cause)
			assert.Equal(t, 45*time.Second, c.now.Sub(start).Round(time.Second))
		}
	}
}

func TestACallThatHangsDoesNotKeepTheRunFromEnding(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour})
	c.attempts(t, 1, Signal{})
	c.down(t, Fault)
	c.wait(t)
	for end := GoesOn; end == GoesOn; {
		v := c.next(0)
		if end = v.End; v.Send {
			c.Sent(c.now)
		}
		c.now = later(c.now, v.At)
	}
	assert.WithinDuration(t, start.Add(time.Hour), c.now, time.Second)
}

func TestWhereNoUntriedRowIsLeftEachIsOnItsOwnAfterAWhile(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour})
	c.tried = true
	rows := []*blame.Row{{}, {}, {}}
	for n := 0; !rows[0].Used(3) || !rows[1].Used(3) || !rows[2].Used(3); n++ {
		require.Less(t, n, 200)
		c.attempt(t, Signal{Class: Fault}, rows[n%3])
		c.Count(rows[n%3])
	}
	assert.Less(t, c.now.Sub(start), time.Minute)
}

func TestRowsAreNotLetGoWhileTheServiceFailsWhenItIsAskedAboutItself(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour, Asked: true})
	c.attempts(t, 1, Signal{})
	c.tried = true
	rows := []*blame.Row{{}, {}, {}}
	fail := func(until time.Duration) {
		for n := 0; c.now.Sub(start) < until; n++ {
			c.attempt(t, Signal{Class: Fault}, rows[n%3])
			c.now = c.now.Add(time.Second)
		}
	}
	for minutes := range time.Duration(20) {
		fail(minutes * time.Minute)
		c.ServiceFails(c.now, Signal{Class: Fault, Cause: "http_500"})
		require.Equal(t, Out, c.Snapshot(c.now).State)
	}
	c.ServiceWell(c.now, true)
	for _, b := range rows {
		assert.Zero(t, b.Charged())
	}
	fail(22 * time.Minute)
	for minutes := range time.Duration(4) {
		c.ServiceWell(c.now, true)
		fail((23 + minutes) * time.Minute)
	}
	assert.False(t, c.Blocked(), "each is on its own")
	assert.True(t, rows[0].Used(3))
}

func TestThatTheServiceFailedIsForgottenOnceARowSucceeds(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour, Asked: true})
	c.attempts(t, 1, Signal{})
	c.tried = true
	c.ServiceFails(c.now, Signal{Class: Fault, Cause: "http_500"})
	var b blame.Row
	c.attempt(t, Signal{Class: Fault}, &b)
	c.attempts(t, 1, Signal{})
	assert.False(t, c.Blocked())
	assert.Zero(t, b.Charged(), "of the outage")
	c.attempt(t, Signal{Class: Fault}, &b)
	c.ServiceWell(c.now, true)
	assert.Equal(t, 1, b.Charged())
}

func TestAWaitThatTheServiceAsksForWhenAskedAboutItselfIsObeyed(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		c := newClient(Config{MaxInFlight: 8, MaxOutage: time.Hour, Asked: true})
		c.attempts(t, 1, Signal{})
		c.tried = true
		if blocked {
			c.ServiceFails(c.now, Signal{Class: Fault, Cause: "http_500"})
		}
		c.ServiceFails(c.now, Signal{Class: Throttled, RetryAfter: time.Minute})
		assert.Equal(t, c.now.Add(time.Minute), c.NotBefore())
		assert.Equal(t, time.Minute, c.wait(t))
	}
}

func TestABlockOf429sDoesNotLetRowsGoWhileUntriedOnesAreLeft(t *testing.T) {
	c := newClient(Config{MaxInFlight: 8})
	c.attempts(t, 1, Signal{})
	c.down(t, Throttled)
	for c.now.Sub(start) < 3*time.Hour {
		for _, b := range c.attempts(t, 1, Signal{Class: Throttled}) {
			require.False(t, b.Used(1))
		}
		require.True(t, c.Blocked())
	}
}

func TestAThrottledServiceThatFailsOtherwiseIsInAnOutage(t *testing.T) {
	c := newClient(Config{MaxInFlight: 20})
	c.attempts(t, 1, Signal{})
	c.attempts(t, 2, Signal{Class: Throttled})
	require.Equal(t, Held, c.Snapshot(c.now).State)
	c.attempts(t, 2, Signal{Class: Unreachable})
	assert.Equal(t, Out, c.Snapshot(c.now).State)
}

func TestOneTrialThatIsRefusedMayHaveMetABadRow(t *testing.T) {
	for class, kept := range map[Class]bool{Throttled: true, Fault: false} {
		c := New(Config{})
		c.untried, c.block = true, block{on: true, throttle: class == Throttled, began: epoch}
		var row blame.Row
		c.failures.Add(&row, epoch)
		assert.True(t, row.Open())
		c.trialFailed(epoch.Add(time.Second), Ticket{sent: epoch}, &Signal{Class: class})
		assert.Equal(t, kept, row.Open(), "after one")
		c.trialFailed(epoch.Add(2*time.Second), Ticket{sent: epoch}, &Signal{Class: class})
		assert.False(t, row.Open(), "after two")
	}
}
