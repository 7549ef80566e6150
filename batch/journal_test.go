package batch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestAnInterruptedRunGoesOnAndCallsNoCustomerTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(300), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		for n := 1; ; n++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := time.AfterFunc(95*time.Millisecond, func() { cancel(ErrInterrupted) })
			sum, err := j.run(ctx)
			stop.Stop()
			cancel(nil)
			if err == nil {
				assert.Equal(t, n-1, sum.Resumed)
				assert.Greater(t, n, 3)
				break
			}
			require.ErrorIs(t, err, ErrInterrupted)
		}
		j.requireEachItsOwn(300)
		for email, n := range j.service.calls {
			assert.Equal(t, 1, n, email)
		}
	})
}

func TestCallsThatOutlastTheGraceAreCutOffAndInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := true
		j := newJob(t, csvList(20), func(ctx context.Context, r *source.Customer, _ int) session.Reply {
			if hang && r.Email == "c5@example.com" {
				<-ctx.Done()
				return session.Reply{Outcome: session.Cancelled}
			}
			return okFor(r)
		})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrInterrupted)
		defer cancel()
		start := time.Now()
		sum, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)
		assert.Equal(t, 2*time.Second, time.Since(start), "a second of running and a second of grace")
		assert.EqualValues(t, 4, sum.Rows)

		hang = false
		sum, err = j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(20)
		assert.EqualValues(t, 1, sum.InDoubt)
		assert.Equal(t, 15, sum.FromJournal)
	})
}

func TestCallsInDoubtOfOneListAreNotCountedForTheRowsOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := true
		j := newJob(t, csvList(20), func(ctx context.Context, r *source.Customer, _ int) session.Reply {
			if hang {
				<-ctx.Done()
				return session.Reply{Outcome: session.Cancelled}
			}
			return okFor(r)
		})
		j.adjust = func(c *Config) {
			list, err := source.Open(strings.NewReader(j.list), source.Options{Name: "list"})
			require.NoError(t, err)
			forecast, _, err := (&preflight.Preflight{List: list, FormID: "form", Scratch: &memory{}}).Run(t.Context())
			require.NoError(t, err)
			c.Ends = forecast.Ends
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrInterrupted)
		defer cancel()
		_, err := j.run(ctx)
		require.ErrorIs(t, err, ErrInterrupted)

		hang, j.list = false, strings.ReplaceAll(csvList(20), "@example.com", "@other.example.com")
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Zero(t, sum.InDoubt)
		for _, row := range j.rows() {
			assert.Equal(t, "1", row[colAttempts], row[colEmail])
		}
	})
}

// journalFunc is a Journal that is a function, and syncs nothing.
type journalFunc func(entries []state.Entry) error

func (f journalFunc) Append(entries []state.Entry) error { return f(entries) }
func (journalFunc) Sync() error                          { return nil }

// journalOf is a journaler that has been given an attempt and a result.
func journalOf(to Journal) (j *journaler, s *slot, calls chan *slot, replies chan attempt, stopped *error) {
	s, stopped = newSlot(&source.Record{Row: 7}), new(error)
	entries := make(chan entry, 2)
	calls, replies = make(chan *slot, 1), make(chan attempt, 1)
	entries <- entry{kind: state.Intent, slot: s, attempt: 1}
	entries <- entry{kind: state.Result, slot: s, attempt: 1, result: &sink.Result{Status: sink.OK}}
	close(entries)
	return &journaler{
		journal: to, entries: entries, calls: calls, replies: replies, ready: newNotifier(), settled: make(chan struct{}), monitor: new(measure.Monitor),
		stop: func(err error) { *stopped = err },
	}, s, calls, replies, stopped
}

func TestNoCallIsMadeAndNoResultWrittenBeforeItIsOnRecord(t *testing.T) {
	var j *journaler
	var s *slot
	var calls chan *slot
	var kinds []state.Kind
	log := journalFunc(func(entries []state.Entry) error {
		assert.Empty(t, calls)
		assert.Nil(t, s.result.Load())
		for _, e := range entries {
			kinds = append(kinds, e.Kind)
		}
		return nil
	})
	j, s, calls, _, _ = journalOf(log)
	require.NoError(t, j.run())
	assert.Equal(t, []state.Kind{state.Intent, state.Result}, kinds)
	assert.Len(t, calls, 1)
	assert.Equal(t, sink.OK, s.result.Load().Status)
}

func TestBehindABrokenJournalNoCallIsMadeAndNoResultWritten(t *testing.T) {
	broken := errors.New("input/output error")
	j, s, calls, replies, stopped := journalOf(journalFunc(func([]state.Entry) error { return broken }))
	require.ErrorIs(t, j.run(), broken)
	assert.ErrorIs(t, *stopped, broken)
	assert.Empty(t, calls)
	assert.Nil(t, s.result.Load())
	assert.Equal(t, session.Cancelled, (<-replies).reply.Outcome, "the attempt comes back")
}
