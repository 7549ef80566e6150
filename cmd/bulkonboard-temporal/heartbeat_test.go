package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/batch/session"
	"bulkonboard/source"
)

func TestAWorkerStopsOnceItsPartMayBeAnothers(t *testing.T) {
	unreachable := serviceerror.NewUnavailable("no route")
	for name, test := range map[string]struct {
		silence time.Duration
		answer  error
		want    error
	}{
		"heard":                            {0, nil, nil},
		"a heartbeat is late":              {4 * time.Second, unreachable, nil},
		"the last moment":                  {6 * time.Second, unreachable, nil},
		"too long not heard":               {6*time.Second + 1, unreachable, errFenced},
		"frozen, and nothing asked yet":    {time.Hour, nil, errFenced},
		"the deadline of a heartbeat":      {time.Second, context.DeadlineExceeded, nil},
		"given to another":                 {0, serviceerror.NewNotFound("unknown activity"), errTaken},
		"given to another, after a freeze": {time.Hour, serviceerror.NewNotFound("unknown activity"), errTaken},
		"cancelled":                        {0, temporal.NewCanceledError(), errCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, reasonToStop(10*time.Second, test.silence, test.answer))
		})
	}
}

func TestAWorkerIsDoneBeforeItsPartIsGivenOn(t *testing.T) {
	assert.LessOrEqual(t, fenceShare+graceShare+flushShare, 1.0)
	assert.LessOrEqual(t, 3*intervalShare, fenceShare+1e-9, "two heartbeats may be lost")
}

// beating is a heartbeat whose server answers as told.
func beating(answer func() error) (h *heartbeat, stopped context.Context, run func() (still func())) {
	part, stop := context.WithCancelCause(context.Background())
	h = &heartbeat{timeout: 10 * time.Second, stop: stop, send: func(context.Context) error { return answer() }}
	return h, part, func() func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); h.run(ctx) }()
		return func() { cancel(); <-done }
	}
}

func TestAWorkerThatIsCutOffStopsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var cut atomic.Bool
		h, part, run := beating(func() error {
			if cut.Load() {
				return errors.New("no route")
			}
			return nil
		})
		require.NoError(t, h.record(t.Context()))
		defer run()()
		time.Sleep(time.Minute)
		require.NoError(t, part.Err())
		lastHeard := time.Now()
		cut.Store(true)
		<-part.Done()
		assert.Equal(t, errFenced, context.Cause(part))
		assert.LessOrEqual(t, time.Since(lastHeard), 8*time.Second)
		assert.Greater(t, time.Since(began), time.Minute)
	})
}

func TestABeatThatTakesLongCountsFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := beating(func() error { time.Sleep(time.Second); return nil })
		require.NoError(t, h.record(t.Context()))
		assert.Equal(t, time.Second, h.silence())
	})
}

func TestAHeartGoesOnWhileItsPartComesToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var beats atomic.Int64
		h, part, run := beating(func() error { beats.Add(1); return temporal.NewCanceledError() })
		h.last = time.Now()
		defer run()()
		<-part.Done()
		before := beats.Load()
		time.Sleep(10 * time.Second)
		assert.Greater(t, beats.Load(), before)
		assert.Equal(t, errCancelled, context.Cause(part))
	})
}

type answering struct{ calls int }

func (a *answering) Call(context.Context, *source.Customer) session.Reply {
	a.calls++
	return session.Reply{Outcome: session.OK}
}

func TestAWorkerThatWasFrozenMakesNoCallWhenItWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, part, _ := beating(func() error { return nil })
		require.NoError(t, h.record(t.Context()))
		service := &answering{}
		caller := fencedCaller{service, h}
		assert.Equal(t, session.OK, caller.Call(t.Context(), nil).Outcome)
		time.Sleep(9 * time.Second) // in which nothing ran
		assert.Equal(t, session.Cancelled, caller.Call(t.Context(), nil).Outcome)
		assert.Equal(t, 1, service.calls)
		assert.Equal(t, errFenced, context.Cause(part))
	})
}
