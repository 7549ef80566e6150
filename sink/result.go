// Package sink turns results into the bytes of a results file: the input row,
// column for column, and what became of it.
package sink

import (
	"slices"
	"time"

	"bulkonboard/source"
)

// Status says how a record ended.
type Status string

// The statuses a result can have. A record that was never reached has no
// result at all.
const (
	OK        Status = "ok"        // the API gave a session id
	Duplicate Status = "duplicate" // the same customer as an earlier row; carries that row's session id
	Known     Status = "known"     // onboarded on an earlier run
	Invalid   Status = "invalid"   // fails validation; never sent
	Rejected  Status = "rejected"  // the API refused this row
	Failed    Status = "failed"    // attempts used up on transient errors
)

// Statuses lists every status in the order in which summaries show them.
func Statuses() []Status {
	return []Status{OK, Duplicate, Known, Invalid, Rejected, Failed}
}

// Good reports whether a record with this status needs no more work.
func (s Status) Good() bool {
	return s == OK || s == Duplicate || s == Known
}

// Bad counts the rows that need attention, of rows by status.
func Bad(rows map[Status]int64) (n int64) {
	for status, some := range rows {
		if !status.Good() {
			n += some
		}
	}
	return n
}

// Result is what is written for one record.
type Result struct {
	Status       Status
	SessionID    string
	ErrorCode    string // stable, lower_snake; empty when Status is good
	ErrorMessage string // for people
	Attempts     int    // calls to the API that were sent for this record
	ProcessedAt  time.Time
	Expires      time.Time // of the session id; zero when the service does not say. Not written

	// Kept says that the record carries this result already, from an earlier
	// run, and stays as it is.
	Kept bool
}

// Selection says which results a command is about.
type Selection struct {
	Statuses   []Status `json:"statuses"`
	ErrorCodes []string `json:"errorCodes,omitempty"` // of these, only those; none: all
}

// Selects reports whether a result is one of them.
func (s *Selection) Selects(r *Result) bool {
	return slices.Contains(s.Statuses, r.Status) && (len(s.ErrorCodes) == 0 || slices.Contains(s.ErrorCodes, r.ErrorCode))
}

// InvalidFor is the result of a record that fails validation: the code of its
// first problem, and the words of all of them.
func InvalidFor(problems []source.Problem) Result {
	message := problems[0].Message
	for _, p := range problems[1:] {
		message += "; " + p.Message
	}
	return Result{
		Status:       Invalid,
		ErrorCode:    problems[0].Code,
		ErrorMessage: message,
	}
}

// timeLayout is RFC 3339 in UTC with milliseconds: sortable, and read by every
// spreadsheet and database.
const timeLayout = "2006-01-02T15:04:05.000Z"

// clock writes times. Results come in the order of a list, hundreds in one
// millisecond, so the time of the last one mostly does for the next.
type clock struct {
	milli int64
	last  string
}

func (c *clock) text(t time.Time) string {
	if milli := t.UnixMilli(); c.last == "" || milli != c.milli {
		c.milli, c.last = milli, t.UTC().Format(timeLayout)
	}
	return c.last
}
