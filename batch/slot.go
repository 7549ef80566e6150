package batch

import (
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"bulkonboard/batch/answers"
	"bulkonboard/batch/blame"
	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/pace"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// slot carries one record through the pipeline. The reader puts it into the
// order first and then into the work, so the order is the reorder window, and
// the result comes back on the slot itself: nothing is ever matched by index.
type slot struct {
	rec     *source.Record
	err     error            // instead of rec: reading ended here
	next    *slot            // of the rows that go together
	weight  int64            // of the byte window; the first of a group has that of all
	family  customers.Family // the rows of its customer, when there are several
	answer  answers.Answer   // in place of a call
	doubts  int              // interruptions that caught a call of this row in flight
	refused string           // the error code with which an earlier run refused the row
	who     *known.Identity  // of the customer in the ledger, set by the journaler with the result; nil before

	// result is the one result, once it takes effect: from then on the writer may
	// write it. Nothing changes what it points to.
	result atomic.Pointer[sink.Result]

	// What follows the reader sets, as far as an earlier start knows it, and hands
	// over with the slot: from then on it is the dispatcher's alone. The writer reads
	// sent once there is a result, after which nothing is sent.
	customer  string // identity, as the API compares it
	sent      int    // attempts sent, in this run and before
	number    int64  // of the last attempt among all of this start
	ticket    pace.Ticket
	blame     blame.Row // what counts against --max-attempts
	began     bool      // its customer is under way, or it is sent
	taken     bool      // into the wave, to be sent
	throttled bool      // before, so the next time it waits on its own
	readyAt   time.Time
	delays    *backoff.ExponentialBackOff
}

// remember takes in what an earlier run made of a row that is sent again: that
// it fails once more says little of the service. before is nil for none.
func (s *slot) remember(before *sink.Result) {
	switch {
	case before == nil:
	case before.Status == sink.Failed:
		if !s.blame.Tried() {
			s.blame = blame.Seen()
		}
	case before.Status == sink.Rejected:
		s.refused = before.ErrorCode
	}
}

func newSlot(rec *source.Record) *slot {
	return &slot{rec: rec, weight: 2*int64(len(rec.Raw)) + recordOverhead}
}

// fresh reports a row that needs a call, and for which none has failed.
func (s *slot) fresh() bool { return s.answer.Result == nil && !s.blame.Tried() }
