package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

func TestARunOfAnEarlierVersionResumesAndIsBoundToItsApplicationFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(100), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		var log bytes.Buffer
		start := func(binding map[string]string, end error) error {
			j.adjust = func(c *Config) { c.Binding, c.Log = binding, slog.New(slog.NewTextHandler(&log, nil)) }
			ctx, cancel := context.WithTimeoutCause(t.Context(), 25*time.Millisecond, end)
			defer cancel()
			_, err := j.run(ctx)
			return err
		}
		require.ErrorIs(t, start(map[string]string{"endpoint": "fake"}, ErrInterrupted), ErrInterrupted)
		require.ErrorIs(t, start(map[string]string{"endpoint": "fake", "app id": "app"}, ErrInterrupted), ErrInterrupted)
		assert.Contains(t, log.String(), "did not record its app id: it resumes with app")

		var changed *ChangedError
		require.ErrorAs(t, start(map[string]string{"endpoint": "fake", "app id": "other"}, ErrInterrupted), &changed)
		assert.Equal(t, []Change{{What: "app id", Before: "app", Now: "other"}}, changed.Changes)
		require.ErrorAs(t, start(map[string]string{"endpoint": "fake"}, ErrInterrupted), &changed, "nor does it resume without one")
	})
}

func TestOnlyARunThatCalledTheSameCustomersIsTakenOver(t *testing.T) {
	began := map[string]string{"endpoint": "e", "app id": "a", "tenant id": "t", "form id": "f", "ledger": "l", "workbook": "w"}
	extra, err := json.Marshal(&Totals{Ends: source.Position{Row: 5, Sum: 1}})
	require.NoError(t, err)
	superseded := func(key, value string) bool {
		now := maps.Clone(began)
		now[key] = value
		return Superseded(&state.Checkpoint{Binding: began, Extra: extra}, now, source.Position{Row: 6, Sum: 2})
	}
	assert.True(t, superseded("workbook", "another"))
	for _, key := range []string{"endpoint", "app id", "tenant id", "form id", "ledger"} {
		assert.False(t, superseded(key, "another"), key)
	}
}
