package batch

import (
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Tally counts what was written. The counts by status add up to Rows at any
// moment. It is kept in the checkpoint, so a resumed run goes on counting.
type Tally struct {
	Rows     int64                 `json:"rows"`
	Status   map[sink.Status]int64 `json:"status"`
	Errors   ErrorGroups           `json:"errors"`
	Attempts int64                 `json:"attempts"`
	Resumed  int                   `json:"resumed"` // how often the run was started again
	InDoubt  int64                 `json:"inDoubt"` // calls that an interruption caught in flight, and were sent again

	// SharedIDs are rows with the session id of another customer; nil for none.
	SharedIDs *sink.SharedIDs `json:"sharedIds,omitempty"`

	// Learned is the pace that the service was found to take, in attempts per
	// second.
	Learned float64 `json:"learned,omitempty"`

	// LedgerRun is the number of the run in the ledger; 0: it has none there.
	LedgerRun uint64 `json:"ledgerRun,omitempty"`

	// Ends is where the list ended when it was last read ahead.
	Ends source.Position `json:"ends"`

	Origin   Origin   `json:"origin"`
	Measures Measures `json:"measures"`

	// Excerpt is how far the rejects have come.
	Excerpt source.ExcerptState `json:"excerpt"`
}

func newTally() *Tally {
	return &Tally{Status: map[sink.Status]int64{}, Errors: ErrorGroups{}}
}

func (t *Tally) add(s *slot, res *sink.Result) {
	t.Rows++
	t.InDoubt += int64(s.doubts)
	t.Status[res.Status]++
	if !res.Kept {
		t.Attempts += int64(res.Attempts)
	}
	t.Errors.add(s.rec, res)
}

// Bad counts the records that did not end well.
func (t *Tally) Bad() int64 {
	return t.Status[sink.Invalid] + t.failures()
}

// failures counts the records that were sent and did not end well.
func (t *Tally) failures() int64 {
	return t.Status[sink.Rejected] + t.Status[sink.Failed]
}

// balanced reports whether the counts add up.
func (t *Tally) balanced() bool {
	var sum int64
	for _, n := range t.Status {
		sum += n
	}
	return sum == t.Rows
}
