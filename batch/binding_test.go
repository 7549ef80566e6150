package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
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
		start := func(app ...Bond) error {
			j.adjust = func(c *Config) {
				c.Binding, c.Log = append(Binding{{Name: "endpoint", Value: "fake"}}, app...), slog.New(slog.NewTextHandler(&log, nil))
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), 25*time.Millisecond, ErrInterrupted)
			defer cancel()
			_, err := j.run(ctx)
			return err
		}
		require.ErrorIs(t, start(), ErrInterrupted)
		require.ErrorIs(t, start(Bond{Name: "app id", Value: "app", Newer: true}), ErrInterrupted)
		assert.Contains(t, log.String(), "did not record its app id: it resumes with app")

		var changed *ChangedError
		require.ErrorAs(t, start(Bond{Name: "app id", Value: "other", Newer: true}), &changed)
		assert.Equal(t, []Change{{What: "app id", Before: "app", Now: "other"}}, changed.Changes)
		require.ErrorAs(t, start(), &changed, "nor does it resume without one")
	})
}

func TestOnlyARunThatCalledTheSameCustomersIsTakenOver(t *testing.T) {
	began := Binding{{Name: "map", Value: "m"}, {Name: "tenant", Value: "t", Of: ToCustomers}, {Name: "workbook", Value: "w", Of: ToFile}}
	ends := source.Position{Row: 5, Sum: 1}
	extra, err := json.Marshal(&Totals{Ends: ends})
	require.NoError(t, err)
	superseded := func(bond int, ends source.Position) bool {
		now := slices.Clone(began)
		now[bond].Value = "another"
		return Superseded(&state.Checkpoint{Binding: began.values(), Extra: extra}, now, ends)
	}
	another := source.Position{Row: 6, Sum: 2}
	assert.True(t, superseded(0, another), "another list may be read in another way")
	assert.False(t, superseded(0, ends), "the same list may not")
	assert.False(t, superseded(1, another))
	assert.True(t, superseded(2, another))
	assert.True(t, superseded(2, ends), "another file is another list")
}
