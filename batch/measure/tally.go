package measure

import (
	"time"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Tally counts what was written. The counts by status add up to Rows at any
// moment.
type Tally struct {
	Rows     int64                 `json:"rows"`
	Status   map[sink.Status]int64 `json:"status"`
	Open     int64                 `json:"open,omitempty"` // rows that need attention, and of which an earlier run has reported the same
	Errors   ErrorGroups           `json:"errors"`
	Attempts int64                 `json:"attempts"`
	Resumed  int                   `json:"resumed"` // how often the run was started again
	InDoubt  int64                 `json:"inDoubt"` // calls that an interruption caught in flight, and were sent again

	// SharedIDs are rows with the session id of another customer; nil for none.
	SharedIDs *sink.SharedIDs `json:"sharedIds,omitempty"`
}

// NewTally begins to count.
func NewTally() Tally {
	return Tally{Status: map[sink.Status]int64{}, Errors: ErrorGroups{}}
}

// Add counts a record with its result, and the calls of it that interruptions
// caught in flight. What is wrong with it may be open since an earlier run; zero
// when it is not.
func (t *Tally) Add(rec *source.Record, res *sink.Result, doubts int, since time.Time) {
	t.Rows++
	t.InDoubt += int64(doubts)
	t.Status[res.Status]++
	if !res.Kept {
		t.Attempts += int64(res.Attempts)
	}
	if !since.IsZero() {
		t.Open++
	}
	t.Errors.addOpen(rec, res, since)
}

// Bad counts the rows that need attention.
func (t *Tally) Bad() int64 { return sink.Bad(t.Status) }

// News counts the records that need attention and that no earlier run has reported.
func (t *Tally) News() int64 { return t.Bad() - t.Open }

// Failures counts the records that were sent and failed.
func (t *Tally) Failures() int64 {
	return t.Status[sink.Rejected] + t.Status[sink.Failed]
}

// Balanced reports whether the counts add up.
func (t *Tally) Balanced() bool {
	var sum int64
	for _, n := range t.Status {
		sum += n
	}
	return sum == t.Rows
}
