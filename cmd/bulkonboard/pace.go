package main

import (
	"time"

	"bulkonboard/batch/pace"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// The pace of a run: where it starts, and what is kept of it for the next one.

const (
	// learnedLife is how long a pace that was found is good for a start.
	learnedLife = 7 * 24 * time.Hour

	// learnedShare of it is where a later run begins.
	learnedShare = 0.9
)

// paceConfig is the pace that was asked for.
func (j *job) paceConfig() pace.Config {
	limits := &j.settings.limits
	c := pace.Config{Ceiling: limits.pace.ceiling, Search: limits.pace.search, MaxOutage: limits.calls.MaxOutage}
	if limits.pace.search && j.recalled != nil {
		c.Start = learnedShare * j.recalled.PerSecond
	}
	return c
}

// guess is what a forecast reckons with when nothing is known.
const guess = 10

func (j *job) expectedPace() cli.ExpectedPace {
	switch {
	case !j.settings.limits.pace.search:
		return cli.ExpectedPace{PerSecond: j.settings.limits.pace.ceiling}
	case j.recalled != nil:
		return cli.ExpectedPace{PerSecond: cli.Rounded(j.recalled.PerSecond)}
	}
	return cli.ExpectedPace{PerSecond: guess, Guessed: true}
}

// calledService is what a pace is good for.
func (s *settings) calledService() string {
	return s.service.Target.BaseURL + "\n" + s.service.Target.AppID
}

// recall finds the pace that an earlier run found: in the ledger, or in the
// summary that stands where this run puts its own. Neither need be there, or
// readable: a run without it takes some seconds longer to find its pace.
func (j *job) recall(now time.Time) *sink.Learned {
	if j.settings.sandbox {
		return nil
	}
	if j.opened != nil {
		if perSecond, at := j.opened.Pace(j.settings.calledService()); good(perSecond, at, now) {
			return &sink.Learned{PerSecond: perSecond, At: at.UTC()}
		}
	}
	b, err := readSummaryFile(sink.SummaryPath(j.settings.outputs.results))
	if err != nil {
		return nil
	}
	s, err := sink.DecodeSummary(b)
	if err != nil || s.Settings["baseUrl"] != j.settings.service.Target.BaseURL || s.Settings["appId"] != j.settings.service.Target.AppID || s.Learned == nil || !good(s.Learned.PerSecond, s.Learned.At, now) {
		return nil
	}
	return s.Learned
}

// good reports a pace that is a guess to begin with.
func good(perSecond float64, at, now time.Time) bool {
	return perSecond > 0 && now.Sub(at) <= learnedLife && !at.After(now)
}

// remember keeps the pace that this run found in the ledger; the summary has it
// anyway.
func (j *job) remember(perSecond float64, now time.Time) {
	if j.opened == nil || j.settings.sandbox || perSecond <= 0 {
		return
	}
	if err := j.opened.PutPace(j.settings.calledService(), perSecond, now); err != nil {
		j.voice.Log.Warn("the pace that was found could not be saved in the ledger", "event", "ledger_failed", "error", err)
	}
}
