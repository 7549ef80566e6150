package batch

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestAFirstRowThatIsRefusedStopsNoWindowOfRowsThatNeedNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 25_000
		j := newJob(t, csvList(rows), func(context.Context, *session.Request, int) session.Answer {
			return session.Answer{Outcome: session.Rejected, Recognised: true, Status: 400, Code: "x", Message: "y"}
		})
		j.adjust = func(c *Config) {
			c.Keep = func(r *source.Record) (sink.Result, bool) {
				return sink.Result{Status: sink.OK, SessionID: fmt.Sprint(r.Row)}, r.Row > 3
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		sum, err := j.run(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 3, sum.Status[sink.Rejected])
		assert.EqualValues(t, rows-3, sum.Status[sink.OK])
	})
}
