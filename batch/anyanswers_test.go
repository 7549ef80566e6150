package batch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

// FuzzAnyAnswersSettleEveryRow runs a list against a service that fails some rows
// always, and all rows for stretches of time, and starts it again whenever it ends
// early. The first byte is the list and the pace, the second says which rows are
// bad and how, and each of the others is a stretch: how the service is, and for
// how long.
func FuzzAnyAnswersSettleEveryRow(f *testing.F) {
	for _, seed := range []string{"", "\x05", "\x40\x00", "\x91\x13", "\xff\x25\x01\x92\x03", "\x62\x37\x81\x00\xf2\x00\x44", "\x8a\x48\xf1\x00\xf5\x00\xf6\x00\xf7", "\x3b\x50\x77\x88\x99", "\xf1H\x8a\x00\xf5\x00\xf4@\xf7"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		script = append(script, 0, 0)[:min(len(script)+2, 12)]
		rows, kind := 1+int(script[0]%64), int(script[1]%16)
		every := 1 + int(script[1]>>4)
		bad := func(row int) bool { return kind < len(kinds) && row%every == 0 && every > 1 }
		config := []pace.Config{{}, {Ceiling: 50}, {Search: true}, {Ceiling: 5}}[script[0]>>6]
		config.MaxOutage, config.MaxInFlight = 10*time.Minute, 64
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			j := newJob(t, csvList(rows), func(_ context.Context, r *source.Customer, _ int) session.Reply {
				time.Sleep(20 * time.Millisecond)
				if a, fails := stretch(script[2:], time.Since(began)); fails {
					return a
				}
				if bad(numberOf(r)) {
					return kinds[kind].answer
				}
				return okFor(r)
			})
			j.adjust = func(c *Config) {
				c.Pace, c.MaxInFlight = config, 64
				c.AskAccess = func(ctx context.Context) session.Reply {
					well := isWell(ctx)
					if a, fails := stretch(script[2:], time.Since(began)); fails {
						return a
					}
					return well
				}
			}
			for starts := 1; ; starts++ {
				require.LessOrEqual(t, starts, 40, "starts")
				if _, err := j.run(t.Context()); err == nil {
					break
				}
				time.Sleep(time.Minute)
			}
			for customer, calls := range j.service.calls {
				require.LessOrEqual(t, calls, 100, customer)
			}
			results := j.rows()
			require.Len(t, results, rows)
			for i, row := range results {
				require.NotEmpty(t, row[colStatus])
				if !bad(i + 1) {
					require.Equal(t, "ok", row[colStatus], "row %d", i+1)
				}
			}
		})
	})
}

// stretch is how the service is at a time: well at first, and well in the end.
func stretch(script []byte, at time.Duration) (session.Reply, bool) {
	at -= 2 * time.Second
	for _, b := range script {
		takes := time.Duration(b>>4) * time.Second
		if at >= 0 && at < takes {
			kind := int(b % 16)
			return kinds[kind%len(kinds)].answer, kind < len(kinds) && kinds[kind].status == "failed" && kinds[kind].name != "HTML 200"
		}
		at -= takes
	}
	return session.Reply{}, false
}
