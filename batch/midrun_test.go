package batch

import (
	"context"
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
