package chunks

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/session"
	"bulkonboard/batch/store"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// held holds the first put up whose name has an ending, until it is let go.
type held struct {
	store.Store
	ending string

	once    sync.Once
	reached chan struct{}
	letGo   chan struct{}
}

func holding(s store.Store, ending string) *held {
	return &held{Store: s, ending: ending, reached: make(chan struct{}), letGo: make(chan struct{})}
}

func (h *held) Put(ctx context.Context, name string, b []byte) error {
	if strings.HasSuffix(name, h.ending) {
		h.once.Do(func() {
			close(h.reached)
			<-h.letGo
		})
	}
	return h.Store.Put(ctx, name, b)
}

// start runs a chunk with a worker whose store is another.
func (c *cluster) start(s store.Store) <-chan error {
	w := c.worker(1)
	w.Store = s
	ended := make(chan error, 1)
	go func() { ended <- w.RunChunk(c.t.Context(), 0) }()
	return ended
}

// twice counts calls beyond one for each customer.
func (c *cluster) twice() (n int) {
	for _, calls := range c.service.calls {
		n += calls - 1
	}
	return n
}

func TestAWorkerThatWakesAfterItsChunkHasEndedStops(t *testing.T) {
	c := newCluster(t, listOf(200), 200)
	c.job.Rate, c.job.Parallel = 200, 1
	c.plan()
	h := holding(c.store, "segment-00000003")
	frozen := c.start(h)
	<-h.reached
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 0))
	close(h.letGo)
	require.ErrorAs(t, <-frozen, new(*LostError))
	assert.LessOrEqual(t, c.twice(), 30, "what was in flight, and what a few moments brought")
	_, err := c.merge(1)
	require.NoError(t, err)
}

func TestAWorkerThatComesTooLateMakesNoCall(t *testing.T) {
	c := newCluster(t, listOf(30), 30)
	c.plan()
	h := holding(c.store, "segment-00000000")
	late := c.start(h)
	<-h.reached
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 0))
	close(h.letGo)
	require.NoError(t, <-late, "the chunk is done")
	assert.Zero(t, c.twice())
}

// failing is a store that refuses a number of segments, as one without room does.
type failing struct {
	store.Store
	left atomic.Int64
}

func (f *failing) Put(ctx context.Context, name string, b []byte) error {
	if strings.Contains(name, "segment-") && !strings.HasSuffix(name, "segment-00000000") && f.left.Add(-1) >= 0 {
		return &store.Error{Op: "write", Name: name, Store: "test", Err: syscall.ENOSPC}
	}
	return f.Store.Put(ctx, name, b)
}

func TestAStoreThatFailsForAWhileCostsNoCall(t *testing.T) {
	c := newCluster(t, listOf(100), 100)
	c.plan()
	f := &failing{Store: c.store}
	f.left.Store(3)
	require.NoError(t, <-c.start(f))
	require.Negative(t, f.left.Load())
	_, err := c.merge(1)
	require.NoError(t, err)
	assert.Zero(t, c.twice())
}

// ending is a store in which something happens before the second segment is
// read.
type ending struct {
	store.Store
	happens func()

	mu    sync.Mutex // held while it happens
	reads int
}

func (e *ending) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if strings.Contains(name, "segment-") {
		e.mu.Lock()
		if e.reads++; e.reads == 2 {
			e.happens()
		}
		e.mu.Unlock()
	}
	return e.Store.Get(ctx, name, offset, length)
}

func TestAChunkThatEndsWhileItIsTakenUpIsDone(t *testing.T) {
	c := newCluster(t, listOf(60), 60)
	c.job.Rate, c.job.Parallel = 300, 1
	c.plan()
	h := holding(c.store, "/done")
	first := c.start(h)
	<-h.reached
	second := c.start(&ending{Store: c.store, happens: func() {
		close(h.letGo)
		require.NoError(t, <-first)
	}})
	require.NoError(t, <-second)
	assert.Zero(t, c.twice())
}

func TestRefusalsStopNoChunkThatHasAnswers(t *testing.T) {
	c := newCluster(t, rowsOf("abcdefghijklmnopqrst"), 60)
	c.job.Calls.MaxInFlight, c.job.Parallel = 1, 1
	c.plan()
	ctx, stop := context.WithCancelCause(t.Context())
	c.service.answer = func(r *source.Customer, n int) session.Reply {
		if strings.HasPrefix(r.Email, "e@") {
			stop(batch.ErrInterrupted)
		}
		return wellFor(r, n)
	}
	require.ErrorIs(t, c.worker(1).RunChunk(ctx, 0), batch.ErrInterrupted)
	c.service.answer = func(r *source.Customer, n int) session.Reply {
		r.FirstName = "Refused"
		return wellFor(r, n)
	}
	require.NoError(t, c.worker(1).RunChunk(t.Context(), 0))
}

func TestWhoIsInterruptedIsToldSo(t *testing.T) {
	c := newCluster(t, listOf(10), 10)
	c.plan()
	ctx, stop := context.WithCancelCause(t.Context())
	stop(batch.ErrInterrupted)
	require.ErrorIs(t, c.worker(1).RunChunk(ctx, 0), batch.ErrInterrupted)
	_, err := c.planner().Plan(ctx)
	require.ErrorIs(t, err, batch.ErrInterrupted)
	_, err = (&Merger{Store: c.store, Manifest: c.m, Round: 1}).Merge(ctx)
	require.ErrorIs(t, err, batch.ErrInterrupted)
}

func TestAStoreThatHasLostSomethingIsSaidToBeDamaged(t *testing.T) {
	c := newCluster(t, listOf(10), 5)
	c.plan()
	c.run(1)
	replace := func(name, text string) {
		require.NoError(t, c.store.Delete(t.Context(), name))
		if text != "" {
			require.NoError(t, c.store.Put(t.Context(), name, []byte(text)))
		}
	}
	var damaged *DamagedError
	part := c.m.part(c.store, 1, chunkName(0))
	replace(part.doneName(), "damaged")
	_, err := c.merge(1)
	require.ErrorAs(t, err, &damaged)

	replace(part.doneName(), "")
	replace(part.segmentName(3), "x")
	require.ErrorAs(t, c.worker(1).RunChunk(t.Context(), 0), &damaged, "segments are missing")

	replace(c.m.listName(), "")
	require.ErrorAs(t, c.worker(1).RunChunk(t.Context(), 0), &damaged)
	replace(manifestName, "{")
	_, err = Open(t.Context(), c.store)
	require.ErrorAs(t, err, &damaged)
}

func TestOfTwoWhoBeginARoundOneDoes(t *testing.T) {
	c := newCluster(t, listOf(10), 5)
	c.plan()
	c.run(1)
	r := sink.Selection{Statuses: []sink.Status{sink.Failed}}
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := StartRound(t.Context(), c.store, c.m, r)
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if first == nil {
		first = second
	}
	require.ErrorAs(t, first, new(*NotDoneError), "the other round has begun")
	_, err := c.merge(7)
	require.ErrorAs(t, err, new(*NoRoundError))
}

func TestARoundCallsForEveryRowThatIsToBeCalledFor(t *testing.T) {
	c := newCluster(t, rowsOf("aAa"), 10)
	c.job.EachRow = true
	c.plan()
	c.run(1)
	_, err := StartRound(t.Context(), c.store, c.m, sink.Selection{Statuses: []sink.Status{sink.Rejected}})
	require.NoError(t, err)
	c.service.calls = map[string]int{}
	c.run(2)
	assert.Equal(t, map[string]int{"a@example.com": 1}, c.service.calls, "though other rows of the customer succeeded")
}

func TestTheRestIsNotCalledForFromBytesThatChanged(t *testing.T) {
	c := newCluster(t, rowsOf("AbBaxy"), 2)
	c.plan()
	for i := range c.m.Chunks {
		require.NoError(t, c.worker(1).RunChunk(t.Context(), i))
	}
	c.service.calls = map[string]int{}
	i := strings.LastIndex(c.list, "a@example")
	require.NoError(t, c.store.Delete(t.Context(), c.m.listName()))
	require.NoError(t, c.store.Put(t.Context(), c.m.listName(), []byte(c.list[:i]+"q"+c.list[i+1:])))
	require.ErrorAs(t, c.worker(1).RunRest(t.Context()), new(*ChangedError))
	assert.Empty(t, c.service.calls)
}

func TestOneSessionIDForManyCustomersIsNoticedInTheMergedResults(t *testing.T) {
	c := newCluster(t, listOf(10), 5)
	c.service.answer = func(r *source.Customer, n int) session.Reply {
		a := wellFor(r, n)
		a.SessionID = "the same"
		return a
	}
	c.plan()
	c.run(1)
	s, err := c.merge(1)
	require.NoError(t, err)
	require.NotNil(t, s.SharedIDs)
	assert.EqualValues(t, 9, s.SharedIDs.Count)
}

func TestTheTimelineOfMergedResultsHasEveryRowOnce(t *testing.T) {
	c := newCluster(t, rowsOf("AbAbab!Aa"), 2)
	c.plan()
	c.run(1)
	_, err := StartRound(t.Context(), c.store, c.m, sink.Selection{Statuses: []sink.Status{sink.Rejected}})
	require.NoError(t, err)
	c.run(2)
	s, err := c.merge(2)
	require.NoError(t, err)
	var rows int64
	for _, n := range s.Measures.Timeline.Rows {
		rows += n
	}
	assert.EqualValues(t, 9, rows)
}
