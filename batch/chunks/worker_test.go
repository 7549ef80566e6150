package chunks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestAWorkerThatIsStoppedLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, listOf(60), 60)
		c.job.Rate, c.job.Parallel = 200, 1 // so that what is stopped is not over before it hears of it
		c.plan()
		ctx, stop := context.WithCancelCause(t.Context())
		c.service.answer = func(r *source.Customer, n int) session.Reply {
			if strings.HasPrefix(r.Email, "c20@") {
				stop(batch.ErrInterrupted)
			}
			return wellFor(r, n)
		}
		require.ErrorIs(t, c.worker(1).RunChunk(ctx, 0), batch.ErrInterrupted)
		require.Less(t, len(c.service.calls), 60)

		c.run(1)
		_, err := c.merge(1)
		require.NoError(t, err)
		c.requireAsSingle(1)
	})
}

// dying is a store that a worker can reach until it dies.
type dying struct {
	store.Store
	dead atomic.Bool
}

var errDead = errors.New("this worker is dead")

func (d *dying) Put(ctx context.Context, name string, b []byte) error {
	if d.dead.Load() {
		return errDead
	}
	return d.Store.Put(ctx, name, b)
}

func TestAfterAWorkerDiedOnlyWhatItHadNotPutIsCalledForAgain(t *testing.T) {
	c := newCluster(t, listOf(200), 200)
	c.job.Rate, c.job.Parallel = 2000, 1
	c.plan()
	d := &dying{Store: c.store}
	c.service.answer = func(r *source.Customer, n int) session.Reply {
		d.dead.Store(d.dead.Load() || strings.HasPrefix(r.Email, "c100@"))
		return wellFor(r, n)
	}
	w := c.worker(1)
	w.Store = d
	require.ErrorIs(t, w.RunChunk(t.Context(), 0), errDead)

	c.service.answer = wellFor
	c.run(1)
	summary, err := c.merge(1)
	require.NoError(t, err)
	assert.EqualValues(t, 200, summary.Status[sink.OK])
	twice := 0
	for _, n := range c.service.calls {
		twice += n - 1
	}
	assert.LessOrEqual(t, twice, 100, "those whose answers were in the store are not")
	assert.Len(t, c.service.calls, 200)
}

func TestOfTwoWorkersAtOneChunkTheFirstStops(t *testing.T) {
	c := newCluster(t, listOf(40), 40)
	c.job.Rate, c.job.Parallel = 200, 1
	c.plan()
	started, ended := make(chan struct{}), make(chan error)
	begun := atomic.Bool{}
	c.service.answer = func(r *source.Customer, n int) session.Reply {
		if begun.CompareAndSwap(false, true) {
			close(started)
		}
		return wellFor(r, n)
	}
	go func() { ended <- c.worker(1).RunChunk(t.Context(), 0) }()
	<-started
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 0))
	var lost *LostError
	require.ErrorAs(t, <-ended, &lost)
	_, err := c.merge(1)
	require.NoError(t, err)
}

func TestAListThatIsNotAsPlannedIsNotCalledFor(t *testing.T) {
	c := newCluster(t, listOf(10), 5)
	c.plan()
	require.NoError(t, c.store.Delete(t.Context(), c.m.listName()))
	require.NoError(t, c.store.Put(t.Context(), c.m.listName(), bytes.Replace([]byte(c.list), []byte("c7@"), []byte("c8@"), 1)))
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 0))
	var changed *ChangedError
	require.ErrorAs(t, c.worker(1).RunChunk(t.Context(), 1), &changed)
	assert.Len(t, c.service.calls, 5)
}

func TestMergingWaitsForAllParts(t *testing.T) {
	c := newCluster(t, rowsOf("abcA"), 2)
	c.plan()
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 1))
	_, err := c.merge(1)
	var undone *NotDoneError
	require.ErrorAs(t, err, &undone)
	assert.Equal(t, []string{"chunk-000000", "rest"}, undone.Parts)
	require.ErrorAs(t, c.worker(1).RunRest(t.Context()), &undone)
	assert.Equal(t, []string{"chunk-000000"}, undone.Parts)
}

func TestAPlanThatIsMadeAgainIsTheSame(t *testing.T) {
	c := newCluster(t, listOf(10), 5)
	c.plan()
	first := c.m
	c.plan()
	assert.Equal(t, first.Run, c.m.Run)

	c.job.Rate, c.job.Settings = 7, map[string]string{"logLevel": "debug"}
	c.plan()
	assert.Equal(t, first.Run, c.m.Run)
	c.m, _ = Open(t.Context(), c.store)
	assert.InDelta(t, 7, c.m.Job.Rate, 0, "the bounds may change, and the newest hold")

	c.job.ChunkRows = 2
	_, err := c.planner().Plan(t.Context())
	var other *OtherJobError
	require.ErrorAs(t, err, &other)

	c.job.ChunkRows, c.list = 5, strings.Replace(c.list, "First3", "Other3", 1)
	_, err = c.planner().Plan(t.Context())
	require.ErrorAs(t, err, &other, "another list of the same name")
}

func TestAListOfTooManyInvalidRowsIsNoJob(t *testing.T) {
	c := newCluster(t, rowsOf("!!!a"), 5)
	p := c.planner()
	p.Invalid = measure.Limit{Percent: 20}
	_, err := p.Plan(t.Context())
	var invalid *preflight.InvalidError
	require.ErrorAs(t, err, &invalid)
	_, err = Open(t.Context(), c.store)
	require.ErrorAs(t, err, new(*NoJobError))
}

func TestALaterRoundCallsAgainForWhatItSelectsAndForNothingElse(t *testing.T) {
	// b is refused for good; d, and the customer of both A rows, only at first.
	c := newCluster(t, rowsOf("aBcDeAfa"), 2)
	c.plan()
	c.run(1)
	before, err := c.merge(1)
	require.NoError(t, err)
	assert.EqualValues(t, 2, before.Status[sink.Rejected])

	n, err := StartRound(t.Context(), c.store, c.m, sink.Selection{Statuses: []sink.Status{sink.Rejected, sink.Failed}})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	c.service.calls = map[string]int{}
	c.service.answer = func(r *source.Customer, n int) session.Reply {
		if strings.HasPrefix(r.Email, "d@") {
			r.FirstName = "Fixed"
		}
		return wellFor(r, n)
	}
	c.run(2)
	assert.Equal(t, map[string]int{"b@example.com": 1, "d@example.com": 1}, c.service.calls)
	after, err := c.merge(2)
	require.NoError(t, err)
	assert.EqualValues(t, 1, after.Status[sink.Rejected])
	assert.EqualValues(t, 8, after.Rows)
}

func TestALaterRoundSelectsByErrorCodeToo(t *testing.T) {
	c := newCluster(t, rowsOf("aBc"), 2)
	c.plan()
	c.run(1)
	_, err := StartRound(t.Context(), c.store, c.m, sink.Selection{Statuses: []sink.Status{sink.Rejected}, ErrorCodes: []string{"timeout"}})
	require.NoError(t, err)
	c.service.calls = map[string]int{}
	c.run(2)
	assert.Empty(t, c.service.calls)
	_, err = c.merge(2)
	require.NoError(t, err)
}

func TestAnEmptyListIsAJobWithoutChunks(t *testing.T) {
	c := newCluster(t, listOf(0), 2)
	_, err := c.planner().Plan(t.Context())
	require.ErrorAs(t, err, new(*preflight.ShrunkenError), "no command has said that it is right")
	p := c.planner()
	p.Rows, err = preflight.ParseRowLimit("0")
	require.NoError(t, err)
	c.m, err = p.Plan(t.Context())
	require.NoError(t, err)
	c.run(1)
	summary, err := c.merge(1)
	require.NoError(t, err)
	assert.Zero(t, summary.Rows)
	c.requireAsSingle(1)
}

// slow is a store that takes its time.
type slow struct {
	store.Store
	takes time.Duration
}

func (s slow) Put(context.Context, string, []byte) error {
	time.Sleep(s.takes)
	return nil
}

func (slow) Get(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, fs.ErrNotExist
}

func TestWhileTheStoreIsAwayNoMoreIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrail(&part{store: slow{takes: time.Minute}}, "test", 0, time.Second)
		require.NoError(t, tr.Append(entryOf(1)))
		go func() { _ = tr.flush(t.Context()) }()
		synctest.Wait()
		require.NoError(t, tr.Append(entryOf(2)), "a moment is not an outage")
		time.Sleep(2 * time.Second)
		start := time.Now()
		require.NoError(t, tr.Append(entryOf(3)))
		assert.Equal(t, 58*time.Second, time.Since(start))
	})
}

func entryOf(row int64) []state.Entry {
	return []state.Entry{{Kind: state.Result, Row: row, Payload: []byte("x")}}
}

func TestAnOutcomeThatWasTakenBackIsNone(t *testing.T) {
	o := outcomes{}
	_ = o.take(state.Result, 1, []byte("refused"))
	_ = o.take(state.Ended, 1, nil)
	assert.Empty(t, o)
	_ = o.take(state.Result, 1, []byte("first"))
	_ = o.take(state.Result, 1, []byte("second"))
	assert.Equal(t, outcomes{1: []byte("first")}, o)
}

func TestChunksAreAsManyForEachShare(t *testing.T) {
	for _, test := range []struct {
		rate     float64
		parallel int
		calls    int64
		want     int64
	}{
		{1000, 4, 100_000, 16},        // 25 s each
		{1000, 4, 10_000_000, 4 * 57}, // 3 min each
		{1000, 4, 100, 4},
		{1, 4, 100, 16},
		{0, 4, 1_000_000, 20},
		{0, 4, 0, 4},
	} {
		j := Job{Bounds: Bounds{Rate: test.rate}, Parallel: test.parallel}
		assert.Equal(t, test.want, j.chunksFor(test.calls), fmt.Sprint(test))
	}
}

func TestAListThatIsRefusedInTheSameWordsIsGivenUpUnlessAskedFor(t *testing.T) {
	refused := strings.ReplaceAll(listOf(20), "First", "Refused")
	c := newCluster(t, refused, 20)
	c.plan()
	var all *batch.RefusalsError
	require.ErrorAs(t, c.worker(1).RunChunk(t.Context(), 0), &all)

	c = newCluster(t, refused, 20)
	c.job.MaxFailures = measure.Limit{Percent: 100}
	c.plan()
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 0))
}

func TestAChunkStopsAfterTooManyFailuresAndResumesWithoutCountingThemAgain(t *testing.T) {
	c := newCluster(t, strings.ReplaceAll(listOf(40), "First", "Refused"), 40)
	c.job.MaxFailures = measure.Limit{Count: 12}
	c.plan()
	starts, err := 0, error(nil)
	for done := false; !done; starts++ {
		require.Less(t, starts, 4)
		var failures *batch.FailuresError
		if err = c.worker(1).RunChunk(t.Context(), 0); err != nil {
			require.ErrorAs(t, err, &failures)
		}
		done = err == nil
	}
	assert.Greater(t, starts, 1, "the limit was met")
}
