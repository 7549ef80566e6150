package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
)

// What a command that waits for a job shows meanwhile: on a terminal a frame, as
// bulkonboard run does, and elsewhere lines.

const (
	// lookEach is how often it looks how far the job is.
	lookEach = time.Second

	// sayEvery is how often it says so where no terminal is.
	sayEvery = 10 * time.Second

	// Over how long a pace is taken: the pace that is shown, and the pace that the
	// end is reckoned with.
	nowSpan  = 10 * time.Second
	leftSpan = 2 * time.Minute
)

// follower follows a round of a job.
type follower struct {
	*jobClient
	job, quota string
	round      int

	told      bool // what the round comes to has been said
	last      string
	counted   time.Time // when the workers were
	lacks     []string  // of workers, by then
	phase     string
	now, left cli.Speed
}

// follow returns a follower of a round.
func (j *jobClient) follow(job, quota string, round int) *follower {
	return &follower{jobClient: j, job: job, quota: quota, round: round, now: cli.Speed{Span: nowSpan}, left: cli.Speed{Span: leftSpan}}
}

// run shows what there is to show until ctx is done.
func (f *follower) run(ctx context.Context) {
	show, end := f.lines(), func() {}
	if t, ok := f.People.(*screen.Terminal); ok {
		var draw func(*screen.Frame)
		draw, end = t.Frames()
		show = func(s *standing) { draw(s.frame()) }
	}
	defer end()
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.forecast(ctx)
		if s := f.look(ctx, time.Now()); s != nil {
			show(s)
		}
	}
}

// lines shows a job as lines, every so often, of what has changed.
func (f *follower) lines() func(*standing) {
	shown := time.Now()
	return func(s *standing) {
		if s.at.Sub(shown) >= sayEvery-lookEach/2 {
			shown = s.at
			f.say(s)
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

// standing is how far a round is at one moment.
type standing struct {
	*execution
	at        time.Time
	perSecond float64       // rows
	left      time.Duration // of the phase, as it looks; 0 for not known
	lacks     []string      // of workers
}

// held is what keeps the job from being done, or from its rate.
func (s *standing) held() []string { return append(s.doing(), s.lacks...) }

// look finds out how far the round is; nil says that the next time, or the end,
// will say.
func (f *follower) look(ctx context.Context, now time.Time) *standing {
	running, err := f.jobClient.look(ctx, f.quota)
	if err != nil || running == nil || !running.of(f.job, f.round) {
		return nil
	}
	s := &standing{execution: running, at: now, lacks: f.workers(ctx, running, now)}
	if running.state == nil {
		return s
	}
	if phase := running.state.Phase; phase != f.phase { // which counts its rows from nothing
		f.phase, f.now, f.left = phase, cli.Speed{Span: nowSpan}, cli.Speed{Span: leftSpan}
	}
	rows, of := running.done()
	s.perSecond = f.now.See(now, float64(rows))
	if perSecond := f.left.See(now, float64(rows)); perSecond > 0 && running.paused[measure.Outage] == 0 {
		s.left = time.Duration(float64(of-rows) / perSecond * float64(time.Second))
	}
	return s
}

// workers counts them every so often, and says what the job lacks: slots only
// while there are chunks for them.
func (f *follower) workers(ctx context.Context, running *execution, now time.Time) []string {
	if now.Sub(f.counted) < sayEvery-lookEach/2 {
		return f.lacks
	}
	p, err := f.workerPool(ctx)
	if err != nil {
		return nil // the next time will say
	}
	parallel := 0
	if s := running.state; s != nil && s.Phase == calling {
		parallel = min(s.Layout.Parallel, s.Layout.Chunks-s.Done)
	}
	f.counted, f.lacks = now, p.lacks(parallel)
	return f.lacks
}

// flow is what is going through.
func (s *standing) flow() []string {
	if s.state == nil {
		return nil
	}
	parts := []string{fmt.Sprintf("%g rows/s", cli.Rounded(s.perSecond))}
	if s.left > 0 {
		parts = append(parts, fmt.Sprintf("ETA %s (%s)", cli.Roughly(s.left), cli.Clock(s.at.Add(s.left), s.at, "15:04")))
	}
	return parts
}

// frame is that on a terminal.
func (s *standing) frame() *screen.Frame {
	f := &screen.Frame{At: s.at, Done: -1}
	if s.state == nil {
		f.Lines = [][]string{{"no worker answers how far the job is"}}
		return f
	}
	if rows, of := s.done(); of > 0 {
		f.Done, f.Of = float64(rows)/float64(of), fmt.Sprintf("%d of %d rows", rows, of)
	}
	f.Lines = [][]string{s.flow(), s.counts()}
	for _, held := range s.held() {
		f.Lines = append(f.Lines, []string{held})
	}
	return f
}

// say says it in a line, if that is not what it said before.
func (f *follower) say(s *standing) {
	doing := strings.Join(append([]string{s.String()}, s.lacks...), "; ")
	if doing == f.last {
		return
	}
	f.last = doing
	rows, of := s.done()
	attributes := []any{"event", "progress", "job", f.job, "doing", doing, "rows", rows, "of", of}
	if s.perSecond > 0 {
		attributes = append(attributes, "rows_per_second", cli.Rounded(s.perSecond))
	}
	if s.left > 0 {
		attributes = append(attributes, "eta_seconds", s.left.Round(time.Second).Seconds())
	}
	fmt.Fprintln(f.People, s.line(doing))
	f.Told.Info("progress", attributes...)
}

// line is that for people: the pace comes before what is held up.
func (s *standing) line(doing string) string {
	if s.perSecond == 0 {
		return doing
	}
	done, held, more := strings.Cut(doing, "; ")
	line := done + ", " + strings.Join(s.flow(), ", ")
	if more {
		line += "; " + held
	}
	return line
}
