package batch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"bulkonboard/batch/ledger"
	"bulkonboard/sink"
)

func TestWhatALedgerAnsweredIsReadAgainAsItCame(t *testing.T) {
	night, now := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC), time.Date(2026, 2, 14, 2, 0, 0, 0, time.UTC)
	known := ledger.Entry{Outcome: ledger.OK, At: night, SessionID: "s"}
	refused := ledger.Entry{Outcome: ledger.Rejected, At: night, Code: "no", Message: "not (this) one"}
	cases := map[string]struct {
		answered *sink.Result
		status   sink.Status
		message  string
		at       time.Time
	}{
		"known":                      {new(obtained).result(&known, "", now), sink.OK, "obtained 2026-01-31T02:00:00Z", night},
		"known, and changed":         {new(obtained).result(&known, fieldsDiffer, now), sink.OK, "obtained 2026-01-31T02:00:00Z" + fieldsDiffer, night},
		"refused":                    {refusedResult(&refused, now), sink.Rejected, "not (this) one", night},
		"refused by a call":          {&sink.Result{Status: sink.Rejected, ErrorMessage: "no", ProcessedAt: now}, sink.Rejected, "no", now},
		"ok by a call":               {&sink.Result{Status: sink.OK, ProcessedAt: now}, sink.OK, "", now},
		"known, and edited since":    {&sink.Result{Status: sink.Known, ErrorMessage: "obtained 31/01/26", ProcessedAt: now}, sink.OK, "obtained 31/01/26", time.Time{}},
		"known, without its message": {&sink.Result{Status: sink.Known, ProcessedAt: now}, sink.OK, "", time.Time{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			asItCame(c.answered)
			assert.Equal(t, c.status, c.answered.Status)
			assert.Equal(t, c.message, c.answered.ErrorMessage)
			assert.Equal(t, c.at, c.answered.ProcessedAt)
		})
	}
}
