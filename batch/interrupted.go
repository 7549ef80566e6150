package batch

import "errors"

// ErrInterrupted is the cause of a run that was told to stop.
var ErrInterrupted = errors.New("interrupted")

// DeadlineError is the cause of a run whose time was up.
type DeadlineError struct {
	Limit string // which limit, and that it is reached
	Next  string // what to do before the same command resumes, if anything: "…, and "
}

// Error says that nothing is lost and how to resume.
func (e *DeadlineError) Error() string {
	return e.Limit + "; what is done is kept: " + e.Next + "run the same command again to resume"
}

// FormatError refuses to resume a run whose state another version wrote.
type FormatError struct{ Reason string }

// Error says what is not as this version writes it.
func (e *FormatError) Error() string { return e.Reason }
