package main

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // TZ is understood in a container without a zone database, too

	"github.com/spf13/pflag"

	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
)

// until is how long a run may send. When it closes, no new call is begun and
// those in flight get their grace, as after a first interrupt.
type until struct {
	text string // "06:00", a moment as RFC 3339 has it, or "4h"

	closes time.Time // zero: never
	cause  error
}

func (u *until) register(f *pflag.FlagSet) {
	f.StringVar(&u.text, "until", "", "begin no call after this `TIME`: 06:00 (local time), 2026-01-31T06:00:00Z, or 4h (from the start)")
}

// check finds when the window closes for a run that starts now.
func (u *until) check(p *cli.Problems, now time.Time) {
	if u.text == "" {
		return
	}
	at, next, err := parseUntil(u.text, now)
	switch {
	case err != nil:
		p.Add(err.Error())
	case !at.After(now):
		p.Add(fmt.Sprintf("--until %s is over; name a later time", u.text))
	default:
		u.closes, u.cause = at, &batch.DeadlineError{Limit: fmt.Sprintf("--until %s has passed", u.text), Next: next}
	}
}

// parseUntil reads a time of day, which means the next one, a moment, or how
// long from now. The second result is what to change before the same command
// can resume the run.
func parseUntil(s string, now time.Time) (at time.Time, next string, err error) {
	if clock, err := time.Parse("15:04", s); err == nil {
		return nextClock(now, clock.Hour(), clock.Minute()), "", nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, "give a later --until, and ", nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(d), "", nil
	}
	return time.Time{}, "", fmt.Errorf("--until is %q; it takes a time of day such as 06:00, a moment such as 2026-01-31T06:00:00Z, or a duration such as 4h", s)
}

// nextClock is the next moment after now at which a clock on the wall comes to
// hour:minute. A time that the clock jumps over in spring is the moment of the
// jump; of a time that it shows twice in autumn, each is a moment of its own.
func nextClock(now time.Time, hour, minute int) time.Time {
	year, month, day := now.Date()
	for ahead := 0; ; ahead++ {
		for _, at := range clockOn(year, month, day+ahead, hour, minute, now.Location()) {
			if at.After(now) {
				return at
			}
		}
	}
}

// clockOn lists, in order, the moments of a day at which a clock on the wall
// comes to hour:minute: one, or two when the clock is set back over it.
func clockOn(year int, month time.Month, day, hour, minute int, zone *time.Location) []time.Time {
	wall := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	early := wall.Add(-offsetAt(wall.Add(-24*time.Hour), zone)).In(zone) // by the offset of the day before
	late := wall.Add(-offsetAt(wall.Add(24*time.Hour), zone)).In(zone)   // by that of the day after
	shows := func(t time.Time) bool { return t.Hour() == hour && t.Minute() == minute }
	switch {
	case early.Equal(late):
		return []time.Time{early}
	case shows(early) && shows(late):
		return []time.Time{early, late}
	case shows(early):
		return []time.Time{early}
	case shows(late):
		return []time.Time{late}
	}
	jump, _ := early.ZoneBounds() // early lies in the zone that the clock jumped to
	return []time.Time{jump}
}

func offsetAt(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// clockCheck is how long a sleeping machine may take to notice that its window
// has closed: timers stand still while it sleeps, and a clock may be set.
const clockCheck = 15 * time.Second

// limited ends ctx when the window closes.
func (u *until) limited(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := func() { cancel(nil) }
	if u.closes.IsZero() {
		return ctx, release
	}
	go func() {
		for {
			left := time.Until(u.closes)
			if left <= 0 {
				cancel(u.cause)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(min(left, clockCheck)):
			}
		}
	}()
	return ctx, release
}
