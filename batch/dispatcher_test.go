package batch

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

func TestTransientFailuresAreSentAgainAndOthersAreNot(t *testing.T) {
	cases := []struct {
		name         string
		answer       callerFunc
		status, code string
		attempts     int
	}{
		{"a refused row", func(_ context.Context, _ *source.Customer, _ int) session.Reply {
			return session.Reply{Outcome: session.Rejected, Status: 400, Code: "invalid_customer_details", Message: "Invalid Customer Details"}
		}, "rejected", "invalid_customer_details", 1},
		{"one 500", func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			if attempt == 1 {
				return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
			}
			return okFor(r)
		}, "ok", "", 2},
		{"always 500", func(context.Context, *source.Customer, int) session.Reply {
			return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500", Message: "Server error"}
		}, "failed", "http_500", 3},
		{"throttled more often than there are attempts", func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			if attempt <= 5 {
				return session.Reply{Outcome: session.Throttled, Status: 429, Code: "rate_limited"}
			}
			return okFor(r)
		}, "ok", "", 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJob(t, csvList(1), c.answer)
				_, err := j.run(t.Context())
				require.NoError(t, err)
				row := j.rows()[0]
				assert.Equal(t, c.status, row[colStatus])
				assert.Equal(t, c.code, row[colCode])
				assert.Equal(t, strconv.Itoa(c.attempts), row[colAttempts])
			})
		})
	}
}

func TestARowInBackoffDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finished := map[string]time.Duration{}
		start := time.Now()
		var mu sync.Mutex
		j := newJob(t, csvList(1000), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
			time.Sleep(time.Millisecond)
			if r.Email == "c1@example.com" && attempt < 3 {
				return session.Reply{Outcome: session.Failed, Status: 500, Code: "http_500"}
			}
			mu.Lock()
			finished[r.Email] = time.Since(start)
			mu.Unlock()
			return okFor(r)
		})
		j.adjust = func(c *Config) { c.MaxInFlight, c.Pace = 1, pace.Config{MaxInFlight: 1} }
		_, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(1000)
		assert.Less(t, finished["c1000@example.com"], 1010*time.Millisecond, "1000 calls of 1 ms, one at a time, and no waiting")
	})
}

func TestTwoRecordsOfOneCustomerAreNeverInFlightTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := "customerType,customerEmail,firstName,lastName\n" +
			strings.Repeat("Individual,Ann@example.com,Ann,Lee\nIndividual,ann@EXAMPLE.com ,Ann,Lee\n", 20)
		j := newJob(t, list, func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(10 * time.Millisecond)
			return okFor(r)
		})
		_, err := j.run(t.Context())
		require.NoError(t, err)
		assert.Len(t, j.rows(), 40)
		assert.Zero(t, j.service.overlaps)
	})
}

func TestAnOutageIsSatOutAndMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := time.Now().Add(5*time.Second), time.Now().Add(10*time.Minute)
		j := newJob(t, csvList(300), func(_ context.Context, r *source.Customer, _ int) session.Reply {
			time.Sleep(200 * time.Millisecond)
			if now := time.Now(); now.After(from) && now.Before(to) {
				return session.Reply{Outcome: session.Unavailable, Status: 503, Code: "http_503"}
			}
			return okFor(r)
		})
		sum, err := j.run(t.Context())
		require.NoError(t, err)
		j.requireEachItsOwn(300)
		assert.EqualValues(t, 1, sum.Pace.Outages)
		assert.InDelta(t, (10 * time.Minute).Seconds(), sum.Measures.Outage.Seconds(), 30)
	})
}

// paces are the ways in which a run may be paced.
var paces = map[string]pace.Config{"--rate 0": {}, "--rate 50": {Ceiling: 50}, "--rate auto": {Search: true}}

func TestOneOddAnswerInTheMiddleOfARunCostsItsRowAtTheMost(t *testing.T) {
	const rows = 200
	for name, c := range paces {
		for _, kind := range kinds {
			t.Run(name+"/"+kind.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					j := newJob(t, csvList(rows), func(_ context.Context, r *source.Customer, attempt int) session.Reply {
						time.Sleep(20 * time.Millisecond)
						if attempt == 1 && numberOf(r) == 100 {
							return kind.answer
						}
						return okFor(r)
					})
					c.MaxOutage = 2 * time.Hour
					j.adjust = func(config *Config) { config.MaxInFlight, config.Pace = 16, c }
					start := time.Now()
					_, err := j.run(t.Context())
					require.NoError(t, err)
					assert.Less(t, time.Since(start), 30*time.Second)
					j.requireOnlyBadRows(rows, func(row int) bool { return row == 100 && kind.status == "rejected" }, kind.status)
					assert.LessOrEqual(t, j.service.total(), rows+2)
				})
			})
		}
	}
}

// TestWhatWouldBeAWrongSetUpIsAnOutageAfterTheFirstSuccess: a name that does not
// resolve for half a minute, and a certificate that has expired until somebody
// renews it.
func TestWhatWouldBeAWrongSetUpIsAnOutageAfterTheFirstSuccess(t *testing.T) {
	const rows = 200
	outages := map[string]struct {
		answer session.Reply
		lasts  time.Duration
	}{
		"DNS fails":               {session.Reply{Outcome: session.Unreachable, Code: "dns_failure"}, 30 * time.Second},
		"a certificate expired":   {session.Reply{Outcome: session.TLSRefused, Code: "certificate_expired"}, 10 * time.Minute},
		"plain http behind it":    {session.Reply{Outcome: session.Unreachable, Code: "tls_plain_http"}, 10 * time.Minute},
		"a proxy refuses the way": {session.Reply{Outcome: session.Unreachable, Code: "proxy_refused"}, 10 * time.Minute},
	}
	for name, out := range outages {
		for rate, c := range paces {
			t.Run(name+"/"+rate, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var during atomic.Int64
					began := time.Now()
					j := newJob(t, csvList(rows), func(_ context.Context, r *source.Customer, _ int) session.Reply {
						at := time.Since(began)
						if at >= 300*time.Millisecond && at < out.lasts {
							during.Add(1)
							return out.answer
						}
						time.Sleep(20 * time.Millisecond)
						return okFor(r)
					})
					c.MaxOutage = 2 * time.Hour
					j.adjust = func(config *Config) { config.MaxInFlight, config.Pace = 16, c }
					_, err := j.run(t.Context())
					require.NoError(t, err)
					j.requireOnlyBadRows(rows, func(int) bool { return false }, "")
					assert.LessOrEqual(t, during.Load(), int64(60+16), "calls during the outage")
					assert.Less(t, time.Since(began), out.lasts+2*time.Minute)
				})
			})
		}
	}
}
