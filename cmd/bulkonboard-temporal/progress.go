package main

import (
	"context"
	"fmt"
	"time"

	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
)

// What a command that waits for a job says meanwhile.

const (
	// sayEvery is how often it says how far the job is.
	sayEvery = 10 * time.Second

	// forecastEvery is how often it looks whether the job is planned.
	forecastEvery = time.Second

	// leftSpan is over how long a pace is taken that the end is reckoned with.
	leftSpan = 2 * time.Minute
)

// follower follows a round of a job.
type follower struct {
	*jobClient
	job, quota string
	round      int

	told  bool // what the round comes to has been said
	last  string
	speed cli.Speed
}

// run says what there is to say until ctx is done.
func (f *follower) run(ctx context.Context) {
	plan, tick := time.NewTicker(forecastEvery), time.NewTicker(sayEvery)
	defer plan.Stop()
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-plan.C:
			f.forecast(ctx)
		case now := <-tick.C:
			f.look(ctx, now)
		}
	}
}

// forecast says once what a job will come to, when it is planned. A round that
// calls again for some rows has no forecast of its own.
func (f *follower) forecast(ctx context.Context) {
	if f.told || f.round > 1 {
		return
	}
	m, err := chunks.Open(ctx, jobStore(f.root, f.job))
	if err != nil {
		return // it is not planned yet, or what is wrong the job itself will say
	}
	f.told = true
	cli.LogForecast(f.Voice, m.Forecast)
	cli.PrintForecast(f.People, m.Forecast, m.Source.Name, cli.ExpectedPace{PerSecond: m.Job.Rate})
}

// look says how far the round is, if that is not what it said before.
func (f *follower) look(ctx context.Context, now time.Time) {
	running, err := f.jobClient.look(ctx, f.quota)
	if err != nil || running == nil || !running.of(f.job, f.round) {
		return // the next time, or the end, will say
	}
	line := running.String()
	if line == f.last {
		return
	}
	f.last = line
	rows, of := running.done()
	attributes := []any{"event", "progress", "job", f.job, "doing", line, "rows", rows, "of", of}
	perSecond := f.speed.See(now, float64(rows))
	if perSecond > 0 {
		left := time.Duration(float64(of-rows) / perSecond * float64(time.Second))
		line += fmt.Sprintf(", %.3g rows/s, ETA %s", perSecond, cli.Roughly(left))
		attributes = append(attributes, "rows_per_second", perSecond, "eta_seconds", left.Round(time.Second).Seconds())
	}
	fmt.Fprintln(f.People, line)
	f.Told.Info("progress", attributes...)
}
