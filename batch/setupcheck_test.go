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

// TestCredentialsThatAreWrongAreSentTwice and not more often, where it is the API that
// refuses them: an account may be locked.
func TestCredentialsThatAreWrongAreSentTwice(t *testing.T) {
	for recognised, calls := range map[bool]int{true: 2, false: 1 + checks} {
		synctest.Test(t, func(t *testing.T) {
			refused := session.Reply{Outcome: session.CredentialsRefused, Status: 401, Code: "credentials_refused", Recognised: recognised}
			j := newJob(t, csvList(10), func(context.Context, *source.Customer, int) session.Reply { return refused })
			j.adjust = func(c *Config) { c.MaxInFlight, c.Pace = 1, pace.Config{MaxInFlight: 1} }
			_, err := j.run(t.Context())
			require.ErrorAs(t, err, new(*RefusedError))
			assert.Equal(t, calls, j.service.total())
		})
	}
}

func TestAFirewallThatStopsTheFirstRowsIsNotTheSetUp(t *testing.T) {
	for _, r := range []session.Reply{
		{Outcome: session.NotTheAPI, Status: 200, Code: "not_json"},
		{Outcome: session.CredentialsRefused, Status: 401, Code: "credentials_refused"},
		{Outcome: session.TenantRefused, Status: 403, Code: "tenant_refused", Recognised: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			const rows = 1 + checks
			j := failing(t, rows, func(row int) bool { return row < rows }, r, pace.Config{})
			_, err := j.run(t.Context())
			require.NoError(t, err)
			j.requireOnlyBadRows(rows, func(row int) bool { return row < rows }, string(meaningOf(&r).status))
		})
	}
}

func TestLastRowsThatAreRefusedAreTheirOwnFaultUnlessTheCredentialsAreRevoked(t *testing.T) {
	const rows = 40
	for _, last := range []int{1, 3} {
		for outcome, revoked := range map[session.Outcome]bool{
			session.OK: false, session.NotTheAPI: false, session.Failed: false,
			session.CredentialsRefused: true, session.TenantRefused: true, session.Throttled: true, session.Unreachable: true,
		} {
			synctest.Test(t, func(t *testing.T) {
				bad := func(row int) bool { return row > rows-last }
				j := failing(t, rows, bad, session.Reply{Outcome: session.CredentialsRefused, Status: 401, Code: "credentials_refused"}, pace.Config{})
				access := outcome
				j.saying(func(context.Context) session.Reply { return session.Reply{Outcome: access, Recognised: true} })
				_, err := j.run(t.Context())
				if !revoked {
					require.NoError(t, err, outcome)
					j.requireOnlyBadRows(rows, bad, "rejected")
					return
				}
				for range 3 { // starts while nothing is done about it
					require.ErrorAs(t, err, new(*RefusedError), outcome)
					_, err = j.run(t.Context())
				}
				j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply { return okFor(r) }
				access = session.OK
				_, err = j.run(t.Context())
				require.NoError(t, err, outcome)
				j.requireEachItsOwn(rows)
			})
		}
	}
}

func TestManyLastRowsThatAreRefusedEndInAFewStarts(t *testing.T) {
	const rows = 40
	for last, most := range map[int]int{4: 1, 12: 5} {
		for _, kind := range kinds[2:5] {
			synctest.Test(t, func(t *testing.T) {
				bad := func(row int) bool { return row > rows-last }
				j := failing(t, rows, bad, kind.answer, pace.Config{Ceiling: 20}) // one at a time
				for starts := 1; ; starts++ {
					require.LessOrEqual(t, starts, most, kind.name)
					_, err := j.run(t.Context())
					if err == nil {
						break
					}
					require.ErrorAs(t, err, new(*RefusedError), kind.name)
				}
				j.requireOnlyBadRows(rows, bad, "rejected")
			})
		}
	}
}

func TestTheLastRowsDoNotPayForAnOutageHoweverLong(t *testing.T) {
	const rows, last = 40, 5
	down, faulty, hangsUp := kinds[http503].answer, kinds[http500].answer, kinds[hangUp].answer
	for _, outages := range [][]session.Reply{{down}, {faulty}, {hangsUp}, {down, faulty, hangsUp}} {
		for _, maxOutage := range []time.Duration{2 * time.Hour, 10 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				out := func() bool { return time.Since(began) < 47*time.Minute }
				outage := func() session.Reply { return outages[int(time.Since(began)/(4*time.Second))%len(outages)] }
				j := failing(t, rows, func(int) bool { return false }, session.Reply{}, pace.Config{MaxOutage: maxOutage})
				j.service.answer = func(_ context.Context, r *source.Customer, _ int) session.Reply {
					time.Sleep(20 * time.Millisecond)
					if numberOf(r) > rows-last && out() {
						return outage()
					}
					return okFor(r)
				}
				j.saying(wellUnless(out, outage))
				_, err := j.run(t.Context())
				for out() {
					require.ErrorAs(t, err, new(*OutageError))
					_, err = j.run(t.Context())
				}
				require.NoError(t, err)
				j.requireEachItsOwn(rows)
			})
		}
	}
}

func TestADeploymentThatLacksWhatIsAskedLeavesBadRowsToThemselves(t *testing.T) {
	const rows, last = 40, 5
	bad := func(row int) bool { return row > rows-last }
	for name, is := range map[string]struct {
		row, said session.Reply
		status    string
	}{
		"a gateway refuses an address that it does not know": {
			session.Reply{Outcome: session.CredentialsRefused, Status: 403}, session.Reply{Outcome: session.CredentialsRefused, Status: 403}, "rejected",
		},
		"it hangs up":        {session.Reply{Outcome: session.Failed, Status: 500}, session.Reply{Outcome: session.InDoubt}, "failed"},
		"it fails otherwise": {session.Reply{Outcome: session.Unavailable, Status: 503}, session.Reply{Outcome: session.Failed, Status: 500}, "failed"},
		"it has none":        {session.Reply{Outcome: session.InDoubt}, session.Reply{Outcome: session.NotTheAPI, Status: 404}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := failing(t, rows, bad, is.row, pace.Config{})
				j.saying(func(context.Context) session.Reply { return is.said })
				_, err := j.run(t.Context())
				require.NoError(t, err)
				j.requireOnlyBadRows(rows, bad, is.status)
			})
		})
	}
}
