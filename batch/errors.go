package batch

import (
	"errors"
	"fmt"
	"strings"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/session"
)

// ErrInterrupted is the cause of a run that was told to stop.
var ErrInterrupted = errors.New("interrupted")

// DeadlineError is the cause of a run whose time was up.
type DeadlineError struct {
	Limit string // which limit, and that it is reached
	Next  string // what to do before the same command goes on, if anything: "…, and "
}

// Error says that nothing is lost and how to go on.
func (e *DeadlineError) Error() string {
	return e.Limit + "; what is done is kept: " + e.Next + "run the same command again to go on"
}

// RefusedError ends a run whose every call would be refused. The row that met
// the refusal stays unprocessed.
type RefusedError struct {
	Row     int64
	Outcome session.Outcome
	Code    string
	Message string // the server's words, safe to show
}

// where names the row that was refused.
func (e *RefusedError) where() string { return fmt.Sprintf(" for row %d", e.Row) }

// Error names what was refused and the next step.
func (e *RefusedError) Error() string {
	said := ""
	if e.Message != "" {
		said = fmt.Sprintf(" (the service said: %q)", e.Message)
	}
	if e.Code == "not_this_machine" {
		return e.Message + "; check --base-url, and what /etc/hosts and the name servers say of it"
	}
	switch e.Outcome {
	case session.CredentialsRefused:
		return "the credentials were refused" + e.where() + said + "; check --app-id and the app secret"
	case session.TenantRefused:
		return "the tenant was refused" + e.where() + said + "; check --tenant-id, and that the app may use it"
	case session.TLSRefused:
		return "the service's certificate was refused" + said + "; check --base-url, the clock and the trusted certificates"
	default:
		return "what answers is not the GetSessionId service: " + e.Code + said + "; check --base-url"
	}
}

func refusedError(s *slot, a *session.Reply) *RefusedError {
	return &RefusedError{Row: s.rec.Row, Outcome: a.Outcome, Code: a.Code, Message: a.Message}
}

// FormatError refuses to go on with a run whose state another version wrote.
type FormatError struct{ Reason string }

// Error says what is not as this version writes it.
func (e *FormatError) Error() string { return e.Reason }

// ChangedError refuses to go on with a run under other settings.
type ChangedError struct{ Changes []Change }

// Change is one setting that differs from the interrupted run's.
type Change struct{ What, Before, Now string }

// Error names what changed, and both ways out.
func (e *ChangedError) Error() string {
	var b strings.Builder
	b.WriteString("this is not the run that was interrupted:")
	for _, c := range e.Changes {
		fmt.Fprintf(&b, "\n  %s was %q and is %q", c.What, c.Before, c.Now)
	}
	b.WriteString("\nput it back and run again to go on, or begin anew with --restart, or write to another --output")
	return b.String()
}

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

// CountsError says that a run's counts do not add up: a bug in this program.
// Nothing is handed on.
type CountsError struct{ Read, Written int64 }

// Error says what is kept.
func (e *CountsError) Error() string {
	return fmt.Sprintf("the counts do not add up: %d rows read, %d written; this is a bug, and the results stay in the state folder", e.Read, e.Written)
}
