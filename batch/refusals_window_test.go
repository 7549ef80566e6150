package batch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// refusedBeforeAWindow takes a list whose first rows are refused in the same
// words, and have more rows behind them than the window holds that need no call.
func refusedBeforeAWindow(t *testing.T, refused int64, p pace.Config, latency time.Duration) (*Summary, error) {
	const rows = 25_000
	j := newJob(t, csvList(rows), func(context.Context, *source.Customer, int) session.Reply {
		time.Sleep(latency)
		return session.Reply{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "x", Message: "y"}
	})
	j.adjust = func(c *Config) {
		c.Pace, c.MaxInFlight = p, p.MaxInFlight
		c.Answers = answers.Chain{answers.Kept(func(r *source.Record) (sink.Result, bool) {
			return sink.Result{Status: sink.OK, SessionID: fmt.Sprint(r.Row)}, r.Row > refused
		})}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	return j.run(ctx)
}

func TestAFirstRowThatIsRefusedStopsNoWindowOfRowsThatNeedNoCall(t *testing.T) {
	for name, p := range map[string]pace.Config{
		"at once":                       {MaxInFlight: 8},
		"answered before the next goes": {MaxInFlight: 8, Ceiling: 1},
		"answered while the next goes":  {MaxInFlight: 8, Ceiling: 5},
		"one at a time":                 {MaxInFlight: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sum, err := refusedBeforeAWindow(t, 3, p, 300*time.Millisecond)
				require.NoError(t, err)
				assert.EqualValues(t, 3, sum.Status[sink.Rejected])
				assert.EqualValues(t, 25_000-3, sum.Status[sink.OK])
			})
		})
	}
}

func TestRefusedRowsThatWaitForThePaceAreWaitedForBeforeAnyIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := refusedBeforeAWindow(t, 12, pace.Config{MaxInFlight: 16, Ceiling: 1}, 300*time.Millisecond)
		var refusals *RefusalsError
		require.ErrorAs(t, err, &refusals)
	})
}
