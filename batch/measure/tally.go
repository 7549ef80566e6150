package measure

import (
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Tally counts what was written. The counts by status add up to Rows at any
// moment.
type Tally struct {
	Rows     int64                 `json:"rows"`
	Status   map[sink.Status]int64 `json:"status"`
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
// caught in flight.
func (t *Tally) Add(rec *source.Record, res *sink.Result, doubts int) {
	t.Rows++
	t.InDoubt += int64(doubts)
	t.Status[res.Status]++
	if !res.Kept {
		t.Attempts += int64(res.Attempts)
	}
	t.Errors.Add(rec, res)
}

// Bad counts the records that did not end well.
func (t *Tally) Bad() int64 {
	return t.Status[sink.Invalid] + t.Failures()
}

// Failures counts the records that were sent and did not end well.
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
