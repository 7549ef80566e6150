package batch

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/session"
	"bulkonboard/sink"
)

func TestASessionIDOfTwoCustomersIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := newJob(t, csvList(100), func(_ context.Context, r *session.Request, _ int) session.Answer {
			a := okFor(r)
			if r.Email == "c30@example.com" || r.Email == "c31@example.com" {
				a.SessionID = "session-of-c29@example.com"
			}
			return a
		})
		j.adjust = func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		require.NotNil(t, sum.SharedIDs)
		assert.Equal(t, sink.SharedIDs{Count: 2, Row: 30, Of: 29}, *sum.SharedIDs)
		assert.Contains(t, log.String(), "row=30 other_row=29")
	})
}

func TestASessionIDOfOneCustomerMayComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, _ := repeated(50, 20)
		j := newJob(t, list, func(_ context.Context, r *session.Request, _ int) session.Answer {
			a := okFor(r)
			a.SessionID = "session-of-" + r.Email[1:] // the other rows have a capital C
			return a
		})
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Nil(t, sum.SharedIDs)
	})
}
