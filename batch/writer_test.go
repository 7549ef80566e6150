package batch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestEveryRowGetsItsOwnResultInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(500), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(time.Duration(len(r.Email)*7%13) * time.Millisecond)
			return okFor(r)
		})
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(500)
		assert.True(t, sum.Complete)
		assert.EqualValues(t, 500, sum.Rows)
		assert.EqualValues(t, 500, sum.Status[sink.OK])
		assert.Equal(t, 8, j.service.most, "as many in flight as allowed, and no more")
		assert.NoDirExists(t, j.results()+".state")
	})
}

func TestTooManyFailuresStopTheRunAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(60), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			if len(r.Email) == len("c1@example.com") { // rows 1 to 9
				return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "http_400"}
			}
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.MaxFailures = measure.Limit{Count: 5} }
		sum, err := j.run(t.Context())
		var failures *FailuresError
		require.ErrorAs(t, err, &failures)
		assert.EqualValues(t, 6, sum.Rows)
		sum, err = j.run(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 9, sum.Status[sink.Rejected])
		assert.EqualValues(t, 60, sum.Rows)
		for email, n := range j.service.calls {
			assert.Equal(t, 1, n, email)
		}
	})
}

func TestCountsThatDoNotAddUpHandNothingOn(t *testing.T) {
	for name, c := range map[string]struct {
		ok, rows, read int64
	}{
		"a status is missing":    {2, 3, 3},
		"a row is missing":       {2, 2, 3},
		"a row is written twice": {4, 4, 3},
	} {
		r := &run{totals: &Totals{Tally: measure.Tally{Rows: c.rows, Status: map[sink.Status]int64{sink.OK: c.ok}}}}
		var wrong *CountsError
		require.ErrorAs(t, r.publish(source.Position{Row: c.read}), &wrong, name)
		assert.False(t, r.concluded, name)
	}
}
