package batch

import (
	"fmt"

	"bulkonboard/batch/measure"
)

// minRowsForShare keeps a bad start from looking like a bad list.
const minRowsForShare = 100

// checkFailures returns a *FailuresError when more rows failed than are allowed.
// The zero limit allows all.
func checkFailures(limit measure.Limit, failures, rows int64) error {
	tooFew := limit.Percent > 0 && rows < minRowsForShare
	if limit == (measure.Limit{}) || tooFew || limit.Allows(failures, rows) {
		return nil
	}
	return &FailuresError{Failures: failures, Rows: rows}
}

// FailuresError ends a run that met more failures than it was allowed.
type FailuresError struct {
	Failures, Rows int64 // of this run
}

// Error says how many failed and what to look at.
func (e *FailuresError) Error() string {
	return fmt.Sprintf("%d of %d rows were rejected or failed, more than --max-failures allows; look at the errors above, then run again to resume", e.Failures, e.Rows)
}
