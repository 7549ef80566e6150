package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/cmd/internal/cli"
)

// round is a workflow and stand-ins for its parts, which note what they do.
type round struct {
	*testsuite.TestWorkflowEnvironment
	layout layout
	chunk  func(ctx context.Context, p part) (counted, error)
	other  func(name string) error // what planning, the rest and merging end with

	mu      sync.Mutex
	did     []string
	running int
	most    int // at once
}

func newRound(t *testing.T, l layout) *round {
	r := &round{TestWorkflowEnvironment: workflowEnv(), layout: l}
	r.RegisterWorkflowWithOptions(onboard, workflow.RegisterOptions{Name: onboardName})
	r.chunk = func(context.Context, part) (counted, error) { return counted{Rows: 10}, nil }
	r.other = func(string) error { return nil }
	for name, does := range map[string]any{
		planName: func(part) (layout, error) { r.note(planName); return l, r.other(planName) },
		runChunkName: func(ctx context.Context, p part) (counted, error) {
			r.begins()
			defer r.ends()
			r.note(fmt.Sprint(p.Chunk))
			return r.chunk(ctx, p)
		},
		runRestName: func(part) error { r.note(runRestName); return r.other(runRestName) },
		mergeName: func(part) (total, error) {
			r.note(mergeName)
			return total{Rows: l.Rows, Bad: 1}, r.other(mergeName)
		},
	} {
		r.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
	t.Cleanup(func() { assert.True(t, r.IsWorkflowCompleted()) })
	return r
}

func (r *round) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.did = append(r.did, what)
}

// order is what was done until now, in this order. The suite does not wait for
// parts that are cancelled, as the server does: some may be under way.
func (r *round) order() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.did)
}

func (r *round) begins() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running++
	r.most = max(r.most, r.running)
}

func (r *round) ends() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
}

func (r *round) run(c roundState) (roundState, error) {
	c.Job, c.Round, c.Heartbeat = "night", 1, 30*time.Second
	r.ExecuteWorkflow(onboardName, c)
	if err := r.GetWorkflowError(); err != nil {
		return c, err
	}
	var ended roundState
	return ended, r.GetWorkflowResult(&ended)
}

type quietLogger struct{}

func (quietLogger) Debug(string, ...any) {}
func (quietLogger) Info(string, ...any)  {}
func (quietLogger) Warn(string, ...any)  {}
func (quietLogger) Error(string, ...any) {}

func TestTheRestComesAfterAllChunksAndMergingLast(t *testing.T) {
	r := newRound(t, layout{Chunks: 7, Parallel: 3, Rest: true, Rows: 70})
	ended, err := r.run(roundState{})
	require.NoError(t, err)
	require.Len(t, r.order(), 10)
	assert.Equal(t, planName, r.order()[0])
	assert.ElementsMatch(t, []string{"0", "1", "2", "3", "4", "5", "6"}, r.order()[1:8])
	assert.Equal(t, []string{runRestName, mergeName}, r.order()[8:])
	assert.Equal(t, roundState{
		Job: "night", Round: 1, Heartbeat: 30 * time.Second, Phase: merged, Layout: r.layout, Next: 7, Done: 7, Rows: 70,
		Total: total{Rows: 70, Bad: 1},
	}, ended)
}

func TestAJobWithoutARestHasNone(t *testing.T) {
	r := newRound(t, layout{Chunks: 1, Parallel: 1, Rows: 10})
	_, err := r.run(roundState{})
	require.NoError(t, err)
	assert.Equal(t, []string{planName, "0", mergeName}, r.order())
}

func TestAListWithoutRowsIsMerged(t *testing.T) {
	r := newRound(t, layout{Parallel: 1})
	_, err := r.run(roundState{})
	require.NoError(t, err)
	assert.Equal(t, []string{planName, mergeName}, r.order())
}

func TestNeverMoreChunksThanTheRateIsSharedByAreAtOnce(t *testing.T) {
	r := newRound(t, layout{Chunks: 40, Parallel: 4, Rows: 400})
	together := make(chan struct{})
	var once sync.Once
	r.chunk = func(context.Context, part) (counted, error) {
		r.mu.Lock()
		full := r.running == 4
		r.mu.Unlock()
		if full {
			once.Do(func() { close(together) })
		}
		<-together // the first ones wait until there are four
		return counted{Rows: 10}, nil
	}
	_, err := r.run(roundState{})
	require.NoError(t, err)
	assert.Equal(t, 4, r.most)
}

func TestAChunkIsTriedAgainUntilItIsDone(t *testing.T) {
	r := newRound(t, layout{Chunks: 2, Parallel: 1, Rows: 20})
	left := 8 // the suite ends it after ten
	r.chunk = func(_ context.Context, p part) (counted, error) {
		if p.Chunk == 0 && left > 0 {
			left--
			return counted{}, asFailure(errors.New("the store is away"))
		}
		return counted{Rows: 10}, nil
	}
	ended, err := r.run(roundState{})
	require.NoError(t, err)
	assert.EqualValues(t, 20, ended.Rows)
	assert.Len(t, r.order(), 1+8+2+1)
	assert.Zero(t, untilDone(time.Second).RetryPolicy.MaximumAttempts)
}

func TestAChunkThatFailsForGoodStopsTheOthersAndMergesNothing(t *testing.T) {
	r := newRound(t, layout{Chunks: 9, Parallel: 2, Rows: 90})
	failing := make(chan struct{}) // closed when the workflow is about to learn of it
	r.SetOnActivityCompletedListener(func(_ *activity.Info, _ converter.EncodedValue, err error) {
		if err != nil {
			close(failing)
		}
	})
	r.chunk = func(_ context.Context, p part) (counted, error) {
		if p.Chunk == 3 {
			return counted{}, asFailure(&usageError{"row 31 is of Ms Smith"})
		}
		if p.Chunk > 3 {
			<-failing
		}
		return counted{Rows: 10}, nil
	}
	_, err := r.run(roundState{})
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, cli.Usage.Name, failed.Type())
	assert.NotContains(t, err.Error(), "Smith")
	assert.NotContains(t, r.order(), "8")
	assert.NotContains(t, r.order(), mergeName)
}

func TestALongHistoryIsEndedWithNoChunkUnderWay(t *testing.T) {
	r := newRound(t, layout{Chunks: 100, Parallel: 4, Rows: 1000})
	r.SetCurrentHistoryLength(maxHistory)
	ended := 0
	r.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) {
		if ended++; ended == 10 {
			r.SetCurrentHistoryLength(maxHistory + 1)
		}
	})
	_, err := r.run(roundState{})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	r.mu.Lock()
	assert.Zero(t, r.running)
	r.mu.Unlock()
	chunks := len(r.order()) - 1
	assert.Less(t, chunks, 100)

	again := newRound(t, r.layout)
	c := roundState{Phase: calling, Layout: r.layout, Next: chunks, Done: chunks, Rows: int64(10 * chunks)}
	last, err := again.run(c)
	require.NoError(t, err)
	assert.NotContains(t, again.order(), planName)
	assert.Len(t, again.order(), 100-chunks+1)
	assert.EqualValues(t, 1000, last.Rows)
}

func TestAJobThatIsCancelledStartsNoMoreChunks(t *testing.T) {
	r := newRound(t, layout{Chunks: 50, Parallel: 2, Rows: 500})
	stopped := make(chan struct{})
	r.chunk = func(_ context.Context, p part) (counted, error) {
		switch {
		case p.Chunk == 5:
			r.CancelWorkflow()
			close(stopped)
		case p.Chunk > 5:
			<-stopped
		}
		return counted{Rows: 10}, nil
	}
	_, err := r.run(roundState{})
	var cancelled *temporal.CanceledError
	require.ErrorAs(t, err, &cancelled)
	assert.Less(t, len(r.order()), 20)
	assert.NotContains(t, r.order(), mergeName)
}

func TestAJobIsCancelledInEveryPhase(t *testing.T) {
	for _, phase := range []string{planName, runRestName, mergeName} {
		t.Run(phase, func(t *testing.T) {
			r := newRound(t, layout{Chunks: 2, Parallel: 2, Rest: true, Rows: 20})
			r.other = func(name string) error {
				if name != phase {
					return nil
				}
				r.CancelWorkflow()
				return asFailure(errCancelled)
			}
			_, err := r.run(roundState{})
			var cancelled *temporal.CanceledError
			require.ErrorAs(t, err, &cancelled)
			assert.Equal(t, phase, r.order()[len(r.order())-1])
		})
	}
}

func TestAWorkflowTellsHowFarItIs(t *testing.T) {
	r := newRound(t, layout{Chunks: 4, Parallel: 1, Rows: 40})
	_, err := r.run(roundState{})
	require.NoError(t, err)
	v, err := r.QueryWorkflow(progressName)
	require.NoError(t, err)
	var c roundState
	require.NoError(t, v.Get(&c))
	assert.Equal(t, 4, c.Done)
}

func TestAChunkIsSummedUpInALineForThoseWhoLookIntoTemporal(t *testing.T) {
	l := layout{Chunks: 24, Parallel: 4, Rows: 23_990, Rate: 50}
	assert.Equal(t, "chunk 7 of 24, about 1000 rows, 12.5 calls/s", l.chunk(6))
	l.Rate = 0
	assert.Equal(t, "chunk 24 of 24, about 1000 rows", l.chunk(23))
}
