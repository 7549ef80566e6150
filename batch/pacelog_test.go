package batch

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"bulkonboard/batch/pace"
)

func TestEveryPauseOutageAndLargeChangeIsTold(t *testing.T) {
	var told bytes.Buffer
	l := paceLog{log: slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	now := beginning
	after := func(d time.Duration) time.Time { return now.Add(d) }
	for _, s := range []pace.Snapshot{
		{Rate: 100},
		{Rate: 100, Sent: 1},
		{Rate: 90, Sent: 2},
		{Rate: 90, Sent: 3, State: pace.Out, Since: now, Until: after(time.Second), Cause: "dns_failure: no such host"}, // it may be the rows' doing
		{Rate: 90, Sent: 4, State: pace.Out, Since: now, Until: after(time.Second), Cause: "dns_failure: no such host", Outages: 1},
		{Rate: 90, Sent: 5, State: pace.Out, Since: now, Until: after(time.Second), Outages: 1},
		{Rate: 25, Sent: 6, Outages: 1},
		{Rate: 25, Sent: 7, Outages: 1, State: pace.Held, Since: after(time.Minute), Until: after(7 * time.Second)},
		{Rate: 50, Sent: 8, Outages: 1},
	} {
		l.tell(now, s)
	}
	lines := strings.Split(strings.TrimSpace(told.String()), "\n")
	for i, want := range []string{
		`msg=outage event=outage reason="the service is unavailable (dns_failure: no such host); sending one test call at a time" wait_seconds=1`,
		`msg="outage over" event=outage_over reason="calls are sent again after 0s"`,
		`msg="pace change" event=rate reason="lowering the rate" per_second=25`,
		`msg=pause event=pause reason="the service asks for fewer calls (429)" wait_seconds=7`,
		`msg="pace change" event=rate reason="raising the rate" per_second=50`,
	} {
		assert.Contains(t, lines[i], want)
	}
	assert.Len(t, lines, 5)
}
