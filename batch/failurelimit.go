package batch

import (
	"fmt"

	"bulkonboard/batch/measure"
)

// FailureLimit is how many rows may be rejected or failed before a run stops:
// a count, or a share of the rows in percent. Rows of the runs that this one
// goes on with do not count, or it would stop again at once. The zero value is
// no limit.
type FailureLimit struct {
	Count   int64
	Percent float64
}

// minRowsForShare keeps a bad start from looking like a bad list.
const minRowsForShare = 100

// ParseFailureLimit reads "500" or "5%".
func ParseFailureLimit(s string) (FailureLimit, error) {
	count, percent, err := measure.CountOrShare(s, 1)
	return FailureLimit{Count: count, Percent: percent}, err
}

// FailuresError ends a run that met more failures than it was allowed.
type FailuresError struct {
	Failures, Rows int64 // of this run
}

// Error says how many failed and what to look at.
func (e *FailuresError) Error() string {
	return fmt.Sprintf("%d of %d rows were rejected or failed, more than --max-failures allows; look at the errors above, then run again to go on", e.Failures, e.Rows)
}

// check returns a *FailuresError when the limit is passed.
func (l FailureLimit) check(failures, rows int64) error {
	tooMany := l.Count > 0 && failures > l.Count
	tooMuch := l.Percent > 0 && rows >= minRowsForShare && float64(failures)*100 > l.Percent*float64(rows)
	if tooMany || tooMuch {
		return &FailuresError{Failures: failures, Rows: rows}
	}
	return nil
}
