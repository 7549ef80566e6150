package batch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

func TestRefusedCredentialsStopTheRunAndNoRowIsLost(t *testing.T) {
	for _, outcome := range []session.Outcome{session.CredentialsRefused, session.TenantRefused} {
		synctest.Test(t, func(t *testing.T) {
			revoked, calls := true, 0
			j := newJob(t, csvList(100), func(_ context.Context, r *source.Customer, _ int) session.Reply {
				if calls++; revoked && calls > 49 {
					return session.Reply{Outcome: outcome, Status: 401, Code: "refused"}
				}
				return okFor(r)
			})
			j.adjust = func(c *Config) { c.MaxInFlight, c.Pace = 1, pace.Config{MaxInFlight: 1} }
			sum, err := j.run(t.Context())
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			assert.False(t, sum.Complete)
			assert.EqualValues(t, 49, sum.Rows)
			assert.Equal(t, 50+checks, calls, "some others are asked")
			assert.NoFileExists(t, j.results())

			revoked = false
			sum, err = j.run(t.Context())
			require.NoError(t, err)
			j.requireEachItsOwn(100)
			assert.Zero(t, sum.InDoubt)
		})
	}
}

func TestAWrongAddressIsNoticedOnTheFirstAnswersOnly(t *testing.T) {
	notTheAPI := session.Reply{Outcome: session.NotTheAPI, Status: 404, Code: "http_404"}
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(10), func(context.Context, *source.Customer, int) session.Reply { return notTheAPI })
		_, err := j.run(t.Context())
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
	})
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, csvList(10), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			if r.Email == "c9@example.com" && attempt == 1 {
				time.Sleep(time.Second)
				return notTheAPI
			}
			a := okFor(r)
			return a
		})
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(10)
	})
}
