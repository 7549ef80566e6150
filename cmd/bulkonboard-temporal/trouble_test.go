package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
)

// world is what a part sees beside its own calls.
type world struct {
	look  func(n int) neighbors // the n-th time that it looks
	there []string
	looks int
}

func (w *world) others(context.Context, activity.Info) (neighbors, error) {
	w.looks++
	if w.look == nil {
		return neighbors{}, nil
	}
	return w.look(w.looks), nil
}

func (w *world) workers(context.Context, activity.Info) ([]string, error) { return w.there, nil }

// troubled is a part of the worker "me" in such a world.
type troubled struct {
	*task
	world *world
	beats []heartbeatDetails
	ctx   context.Context
}

func newTroubled(t *testing.T, w *world, probe probed) *troubled {
	p := &troubled{world: w}
	log := slog.New(slog.DiscardHandler)
	p.task = &task{activities: &activities{
		parts: w, owner: "me", health: newHealth(4, log), log: log,
		probe: func(context.Context, *chunks.Job) probed { return probe },
	}, request: &request{}, log: log}
	var stop context.CancelCauseFunc
	p.ctx, stop = context.WithCancelCause(t.Context())
	p.heartbeat = &heartbeat{timeout: 30 * time.Second, stop: stop, send: func(context.Context) error {
		p.beats = append(p.beats, p.progress())
		return nil
	}}
	return p
}

// meets has calls come back from the service.
func (p *troubled) meets(n int, a session.Reply) {
	for range n {
		p.pulse.saw(time.Now(), &a)
	}
}

var (
	unreachable = session.Reply{Outcome: session.Unreachable, Code: "connection_refused"}
	failing     = session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
	fine        = session.Reply{Outcome: session.OK, Recognised: true}
)

// answeredMore are parts of another worker that is answered all the time.
func answeredMore(n int) neighbors {
	return neighbors{"1": {worker: "other", attempt: 1, details: heartbeatDetails{Answered: int64(n), Succeeded: int64(n)}}}
}

// stuck are parts of another worker that is in trouble, too.
func stuck(int) neighbors {
	return neighbors{"1": {worker: "other", details: heartbeatDetails{Answered: 9, Trouble: cli.Stopped.Name}}}
}

// watched has a part watch for a while, and returns why it stopped.
func (p *troubled) watched(d time.Duration) error {
	release := p.watching(p.ctx)
	select {
	case <-p.ctx.Done():
	case <-time.After(d):
	}
	release()
	return context.Cause(p.ctx)
}

func TestAPartThatIsNotAnsweredWhileOthersAreIsHandedOnWithinAMinute(t *testing.T) {
	for name, answer := range map[string]session.Reply{"no route": unreachable, "nothing but failures": failing} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTroubled(t, &world{look: answeredMore}, probedIll)
				p.meets(troubleCalls, answer)
				began := time.Now()
				var why *sickError
				require.ErrorAs(t, p.watched(time.Hour), &why)
				assert.Less(t, time.Since(began), time.Minute)
				assert.Equal(t, answer.Outcome == session.Failed, why.failing)
				assert.Contains(t, why.Error(), answer.Code)
			})
		})
	}
}

func TestAPartThatIsAnsweredIsNotWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTroubled(t, &world{look: answeredMore}, probedIll)
		p.meets(troubleCalls, failing)
		p.meets(1, fine)
		p.meets(troubleCalls-1, failing)
		p.meets(100, session.Reply{Outcome: session.Throttled})
		require.NoError(t, p.watched(time.Hour))
		assert.Zero(t, p.world.looks)
	})
}

func TestAPartThatOnlyTriesLaterAfterAnOutageIsNotHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTroubled(t, &world{look: answeredMore}, probedIll)
		p.meets(troubleCalls, failing)
		time.AfterFunc(15*time.Second, func() { p.meets(1, fine) })
		require.NoError(t, p.watched(time.Hour))
		p.meets(troubleCalls, failing)
		time.AfterFunc(15*time.Second, func() { p.meets(1, failing) })
		began := time.Now()
		require.Error(t, p.watched(time.Hour))
		assert.Less(t, time.Since(began), confirmTime)
	})
}

func TestAnOutageThatAllPartsMeetIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, others := range []func(int) neighbors{stuck, nil} {
			p := newTroubled(t, &world{look: others}, probedIll)
			p.meets(troubleCalls, failing)
			require.NoError(t, p.watched(time.Hour))
			assert.Equal(t, cli.Stopped.Name, p.progress().Trouble)
			assert.False(t, p.evidence.othersAnswered())
		}
	})
}

func TestRowsAreAtFaultWhereTheWorkerIsWell(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*troubled)
		probe   probed
		answer  session.Reply
		rows    bool
	}{
		"another of its parts is answered": {func(p *troubled) { p.health.sawAnswer(time.Now().Add(time.Second)) }, probedIll, failing, true},
		"the last worker met the same":     {func(p *troubled) { p.evidence.given.Failing = true }, probedWell, failing, true},
		"and this one may be sick, too":    {func(p *troubled) { p.evidence.given.Failing = true }, probedUnsure, failing, false},
		"no worker has met it before":      {func(*troubled) {}, probedWell, failing, false},
		"it does not reach the service":    {func(p *troubled) { p.evidence.given.Failing = true }, probedWell, unreachable, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTroubled(t, &world{look: answeredMore}, test.probe)
				p.meets(troubleCalls, test.answer)
				test.prepare(p)
				err := p.watched(time.Minute)
				assert.Equal(t, test.rows, err == nil)
				assert.Equal(t, test.rows, p.evidence.othersAnswered())
			})
		})
	}
}

var (
	refused  = &batch.RefusedError{Outcome: session.CredentialsRefused}
	refusals = &batch.RefusalsError{}
)

func TestOnlyWhatAllPartsMeetEndsAJob(t *testing.T) {
	rejectedMore := func(n int) neighbors {
		return neighbors{"1": {worker: "other", details: heartbeatDetails{Answered: int64(n)}}}
	}
	mine := func(int) neighbors { return neighbors{"1": {worker: "me"}} }
	silent := func(int) neighbors { return neighbors{"1": {worker: "other"}} }
	for name, test := range map[string]struct {
		err   error
		world world
		given heartbeatDetails
		ends  bool
		alone bool
	}{
		"others are answered":                     {err: refused, world: world{look: answeredMore}},
		"an outage that others do not have":       {err: &batch.OutageError{}, world: world{look: answeredMore}},
		"a service that others reach":             {err: &batch.SetupError{}, world: world{look: answeredMore}},
		"others are in trouble":                   {err: refused, world: world{look: stuck}, ends: true},
		"no other worker is there":                {err: refused, world: world{there: []string{"me"}}, ends: true},
		"somebody else could try":                 {err: refused, world: world{there: []string{"me", "other"}}, alone: true},
		"only its own parts are under way":        {err: refused, world: world{look: mine, there: []string{"other"}}, alone: true},
		"somebody else has tried":                 {err: refused, world: world{there: []string{"me", "other"}}, given: heartbeatDetails{Alone: true}, ends: true},
		"others say nothing":                      {err: refused, world: world{look: silent, there: []string{"other"}}, alone: true},
		"others say nothing, and it was tried":    {err: refused, world: world{look: silent}, given: heartbeatDetails{Alone: true}, ends: true},
		"first rows refused, and others are well": {err: refusals, world: world{look: answeredMore}},
		"first rows refused, and others, too":     {err: refusals, world: world{look: rejectedMore, there: []string{"other"}}, ends: true},
		"too many failed rows":                    {err: &batch.FailuresError{}, world: world{look: answeredMore}, ends: true},
		"a store that is away":                    {err: errors.New("x"), world: world{look: answeredMore}, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTroubled(t, &test.world, probedIll)
				p.evidence.given = test.given
				began := time.Now()
				err := p.weigh(p.ctx, test.err)
				assert.Less(t, time.Since(began), time.Minute)
				var why *sickError
				require.Equal(t, !test.ends, errors.As(err, &why), "%v", err)
				if test.ends {
					assert.Equal(t, test.err, err)
					return
				}
				assert.Equal(t, test.alone, why.alone)
			})
		})
	}
}

func TestAPartThatIsToldToStopWhileItAsksIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTroubled(t, &world{look: func(int) neighbors { return neighbors{"1": {worker: "other"}} }}, probedIll)
		time.AfterFunc(5*time.Second, func() { p.heartbeat.stop(batch.ErrInterrupted) })
		assert.ErrorIs(t, p.weigh(p.ctx, refused), batch.ErrInterrupted)
		assert.ErrorIs(t, p.weigh(p.ctx, refused), batch.ErrInterrupted)
	})
}

func TestTheNextWorkerOfAPartLearnsWhyItWasHandedOn(t *testing.T) {
	p := newTroubled(t, &world{}, probedIll)
	p.meets(100, fine)
	p.meets(1, failing)
	p.handOver(p.ctx, &sickError{reason: "x", failing: true})
	require.Len(t, p.beats, 1)
	assert.True(t, p.beats[0].Failing)
	s, _ := p.health.state()
	require.NotNil(t, s)
	assert.Equal(t, "x", s.Reason)

	next := newTroubled(t, &world{}, probedIll)
	next.evidence.given = p.beats[0]
	assert.True(t, next.progress().Failing, "until it is answered itself")
	next.meets(1, fine)
	assert.False(t, next.progress().Failing)
}

func TestAWorkerWhoseFirstRowsWereRefusedIsNotSick(t *testing.T) {
	p := newTroubled(t, &world{}, probedIll)
	p.meets(10, session.Reply{Outcome: session.Rejected, Recognised: true})
	p.handOver(p.ctx, &sickError{reason: "x", failing: true})
	s, _ := p.health.state()
	assert.Nil(t, s)
}

func TestPartsOfAnotherTryAreCountedFromZero(t *testing.T) {
	at := func(attempt int32, answered int64) neighbors {
		return neighbors{"1": {worker: "w", attempt: attempt, details: heartbeatDetails{Answered: answered}}}
	}
	assert.False(t, at(1, 5).answeredSince(at(1, 5), false))
	assert.True(t, at(1, 6).answeredSince(at(1, 5), false))
	assert.False(t, at(1, 6).answeredSince(at(1, 5), true), "no session id")
	assert.True(t, at(2, 1).answeredSince(at(1, 5), false))
	assert.False(t, at(2, 0).answeredSince(at(1, 5), false))
	assert.True(t, at(1, 1).answeredSince(neighbors{}, false))
}
