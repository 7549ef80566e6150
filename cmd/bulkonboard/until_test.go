package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

func TestATimeOfDayIsTheNextMomentAtWhichAClockOnTheWallComesToIt(t *testing.T) {
	for _, c := range []struct{ name, zone, now, clock, want string }{
		{"later today", "Europe/Berlin", "2026-01-31T02:00:00+01:00", "06:00", "2026-01-31T06:00:00+01:00"},
		{"tomorrow", "Europe/Berlin", "2026-01-31T22:00:00+01:00", "06:00", "2026-02-01T06:00:00+01:00"},
		{"now is over", "Europe/Berlin", "2026-01-31T06:00:00+01:00", "06:00", "2026-02-01T06:00:00+01:00"},
		{"a second before", "Europe/Berlin", "2026-01-31T05:59:59+01:00", "06:00", "2026-01-31T06:00:00+01:00"},
		{"in the same minute", "Europe/Berlin", "2026-01-31T06:00:30+01:00", "06:00", "2026-02-01T06:00:00+01:00"},
		{"midnight", "Europe/Berlin", "2026-12-31T23:00:00+01:00", "00:00", "2027-01-01T00:00:00+01:00"},
		{"one digit", "UTC", "2026-01-31T02:00:00Z", "6:00", "2026-01-31T06:00:00Z"},

		{"the night that is an hour short", "Europe/Berlin", "2026-03-28T22:00:00+01:00", "06:00", "2026-03-29T06:00:00+02:00"},
		{"a time that the clock jumps over", "Europe/Berlin", "2026-03-29T01:00:00+01:00", "02:30", "2026-03-29T03:00:00+02:00"},
		{"after the jump", "Europe/Berlin", "2026-03-29T03:00:00+02:00", "02:30", "2026-03-30T02:30:00+02:00"},
		{"the hour of the jump itself", "Europe/Berlin", "2026-03-29T01:00:00+01:00", "02:00", "2026-03-29T03:00:00+02:00"},

		{"the night that is an hour long", "Europe/Berlin", "2026-10-24T22:00:00+02:00", "06:00", "2026-10-25T06:00:00+01:00"},
		{"the first of two", "Europe/Berlin", "2026-10-25T01:00:00+02:00", "02:30", "2026-10-25T02:30:00+02:00"},
		{"the second of two", "Europe/Berlin", "2026-10-25T02:45:00+02:00", "02:30", "2026-10-25T02:30:00+01:00"},
		{"after both", "Europe/Berlin", "2026-10-25T02:45:00+01:00", "02:30", "2026-10-26T02:30:00+01:00"},

		{"far west", "America/New_York", "2026-03-07T22:00:00-05:00", "06:00", "2026-03-08T06:00:00-04:00"},
		{"far west, jumped over", "America/New_York", "2026-03-08T01:59:59-05:00", "02:30", "2026-03-08T03:00:00-04:00"},
		{"a jump of half an hour", "Australia/Lord_Howe", "2026-10-04T01:00:00+10:30", "02:15", "2026-10-04T02:30:00+11:00"},
		{"a jump at midnight", "Africa/Cairo", "2026-04-23T23:00:00+02:00", "00:30", "2026-04-24T01:00:00+03:00"},
		{"a day that was left out", "Pacific/Apia", "2011-12-29T22:00:00-10:00", "06:00", "2011-12-31T06:00:00+14:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			require.NoError(t, err)
			now, err := time.Parse(time.RFC3339, c.now)
			require.NoError(t, err)
			got, _, err := parseUntil(c.clock, now.In(zone))
			require.NoError(t, err)
			assert.Equal(t, c.want, got.Format(time.RFC3339))
		})
	}
}

func TestTheNextTimeOfDayIsAlwaysAheadAndAtMostAboutADayAway(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for now := time.Date(2026, 3, 27, 0, 0, 0, 0, zone); now.Before(time.Date(2026, 3, 31, 0, 0, 0, 0, zone)); now = now.Add(7 * time.Minute) {
		for minute := range 24 * 60 {
			got := nextClock(now, minute/60, minute%60)
			if !got.After(now) || got.Sub(now) > 25*time.Hour {
				t.Fatalf("%02d:%02d after %s is %s", minute/60, minute%60, now, got)
			}
		}
	}
}

func TestTheWindowClosesAtATimeOfDayAtAMomentOrAfterATime(t *testing.T) {
	now := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, until string
		closes      time.Duration // from now
		wrong       string
	}{
		{name: "neither"},
		{name: "until", until: "06:00", closes: 4 * time.Hour},
		{name: "a moment", until: "2026-01-31T03:00:00+01:00", wrong: "--until 2026-01-31T03:00:00+01:00 is over"},
		{name: "a moment to come", until: "2026-01-31T05:00:00+01:00", closes: 2 * time.Hour},
		{name: "a time", until: "90m", closes: 90 * time.Minute},
		{name: "a time of many days", until: "100h", closes: 100 * time.Hour},
		{name: "no time", until: "dawn", wrong: `--until is "dawn"; it takes a time of day`},
		{name: "no hour", until: "25:00", wrong: `--until is "25:00"`},
		{name: "below zero", until: "-1h", wrong: `--until is "-1h"`},
		{name: "no time at all", until: "0s", wrong: `--until is "0s"`},
		{name: "no unit", until: "4", wrong: `--until is "4"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := until{text: c.until}
			var p cli.Problems
			w.check(&p, now)
			if c.wrong != "" {
				require.Len(t, p, 1)
				assert.Contains(t, p[0], c.wrong)
				return
			}
			require.Empty(t, p)
			if c.closes == 0 {
				assert.True(t, w.closes.IsZero())
				return
			}
			assert.WithinDuration(t, now.Add(c.closes), w.closes, 0)
			assert.Equal(t, cli.ExitStopped, cli.ExitCode(w.cause))
		})
	}
}

func TestAClosedWindowEndsTheContextWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := until{text: "4h"}
		var p cli.Problems
		w.check(&p, start)
		ctx, release := w.limited(t.Context())
		defer release()
		<-ctx.Done()
		assert.Equal(t, 4*time.Hour, time.Since(start))
		var deadline *batch.DeadlineError
		require.ErrorAs(t, context.Cause(ctx), &deadline)
		assert.Equal(t, "--until 4h has passed; what is done is kept: run the same command again to resume", deadline.Error())
	})
}

func TestARunWhoseTimeIsUpDrainsAndTheNextStartGoesOn(t *testing.T) {
	t.Parallel() // it mostly waits
	p := newProgram(t, 300, sandbox.Options{Latency: 100 * time.Millisecond})
	c, stderr := p.start("--rate", "0", "--max-inflight", "8", "--until", "1s")
	require.Equal(t, cli.ExitStopped, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "stopping: --until 1s has passed; the calls in flight have up to 30s")
	assert.Contains(t, stderr.String(), "INCOMPLETE")
	assert.Contains(t, stderr.String(), "run the same command again to resume")
	assert.NoFileExists(t, p.file("out.csv"))
	calls := p.service.Stats().Calls
	assert.Positive(t, calls)
	assert.Less(t, calls, int64(300))

	c, stderr = p.start("--rate", "0", "--max-inflight", "8", "--until", time.Now().Add(time.Hour).Format(time.RFC3339))
	require.Equal(t, cli.ExitOK, p.end(c), stderr.String())
	p.requireEachItsOwn(300)
	assert.Zero(t, p.service.Stats().RepeatedCalls, "calls in flight had their grace")
}

func TestASignalAfterTheWindowClosedStopsAtOnce(t *testing.T) {
	ctx, closeWindow := context.WithCancelCause(t.Context())
	said := make(chan string, 1)
	ctx, abort, release := cli.UntilSignalled(ctx, time.Minute, func(format string, args ...any) { said <- fmt.Sprintf(format, args...) })
	defer release()
	closeWindow(&batch.DeadlineError{Limit: "--until 06:00 has passed"})
	assert.Equal(t, "stopping: --until 06:00 has passed; the calls in flight have up to 1m0s; interrupt to stop at once", <-said)
	<-ctx.Done()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(os.Interrupt))
	<-abort
	assert.Equal(t, cli.ExitStopped, cli.ExitCode(context.Cause(ctx)))
}
