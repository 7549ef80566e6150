package batch

import (
	"fmt"
	"time"

	"bulkonboard/batch/pace"
)

// endError is the error of a run that its pace ends.
func endError(why pace.End, s pace.Snapshot) error {
	switch why {
	case pace.AskedLong:
		return &WaitError{Until: s.Until}
	case pace.WrongSetup:
		return &SetupError{Cause: s.Cause}
	default:
		return &OutageError{Since: s.Since, Held: s.State == pace.Held, Cause: s.Cause}
	}
}

// OutageError ends a run whose service did not come back.
type OutageError struct {
	Since time.Time
	Held  bool   // by answers 429, and not because the service failed
	Cause string // of the last failure
}

// Error says since when, and the next step.
func (e *OutageError) Error() string {
	what, cause := "no successful response", ""
	if e.Held {
		what = "the service has refused every call (429)"
	} else if e.Cause != "" {
		cause = " (last error: " + e.Cause + ")"
	}
	return fmt.Sprintf("%s since %s%s, longer than --max-outage allows; run the same command again to resume", what, e.Since.Format(time.DateTime), cause)
}

// WaitError ends a run whose service asks to come back much later.
type WaitError struct{ Until time.Time }

// Error says when to come back.
func (e *WaitError) Error() string {
	return fmt.Sprintf("the service asks to wait until %s, longer than --max-outage allows; run the same command again after that to resume", e.Until.Format(time.DateTime))
}

// SetupError ends a run that never reached its service.
type SetupError struct{ Cause string }

// Error names what was met, and what to look at.
func (e *SetupError) Error() string {
	return fmt.Sprintf("the service was never reached (%s); check --base-url, the network and the proxy settings", e.Cause)
}
