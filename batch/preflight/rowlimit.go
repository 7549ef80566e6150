package preflight

import (
	"fmt"
	"math"
	"strings"
	"time"

	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
)

// RowLimit is how many rows a list must have to be taken for a whole one: a
// number, or a share in percent of the rows of the last complete run. The zero
// value is the default: defaultRowShare, or 1 row where no run is known.
type RowLimit struct {
	measure.Limit
	given bool
}

// defaultRowShare is the share, in percent, that a list must have of the last
// one's rows.
const defaultRowShare = 90

// ParseRowLimit reads "500" or "90%", or "" for the default.
func ParseRowLimit(s string) (RowLimit, error) {
	if s == "" {
		return RowLimit{}, nil
	}
	limit, err := measure.ParseLimit(s, 0)
	return RowLimit{limit, true}, err
}

// LastRun is the last complete run of a form.
type LastRun struct {
	Rows int64
	At   time.Time
}

// LastRunOf is what a ledger knows of the last complete run; nil for nothing, and
// without a ledger.
func LastRunOf(k *known.Known) *LastRun {
	if k == nil {
		return nil
	}
	night, complete := k.LastNight()
	if !complete {
		return nil
	}
	return &LastRun{Rows: night.Rows, At: night.At}
}

// Check returns a *ShrunkenError when a list has fewer rows than it must have.
// Last is the last complete run; nil when none is known.
func (l RowLimit) Check(rows int64, last *LastRun) error {
	least, percent := max(l.Count, 1), l.Percent
	switch {
	case l.given && percent == 0:
		least = l.Count
	case !l.given:
		percent = defaultRowShare
	}
	if percent > 0 && last != nil {
		least = max(1, int64(math.Ceil(percent*float64(last.Rows)/100)))
	}
	if rows >= least {
		return nil
	}
	e := &ShrunkenError{Rows: rows, Least: least}
	if percent > 0 && last != nil {
		e.Percent, e.Last, e.At = percent, last.Rows, last.At
	}
	return e
}

// ShrunkenError refuses a list that is too short to be a whole one.
type ShrunkenError struct {
	Rows, Least int64

	// Where the last complete run says so: its rows, when it was complete, and
	// the share of them that a list must have.
	Percent float64
	Last    int64
	At      time.Time
}

// Error gives the numbers, and says what to type.
func (e *ShrunkenError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the list has %s", rowCount(e.Rows))
	if e.Percent > 0 {
		fmt.Fprintf(&b, ", and that of the last complete run (%s) had %d: at least %d (%g%%) are expected", e.At.Local().Format(time.DateTime), e.Last, e.Least, e.Percent)
	} else {
		fmt.Fprintf(&b, ", and at least %d must be there", e.Least)
	}
	fmt.Fprintf(&b, "; nothing was sent, and earlier results stay as they are\nif the export failed, repeat it and run the same command again; if the list is complete as it is, add --min-rows %d", e.Rows)
	return b.String()
}

func rowCount(n int64) string {
	switch n {
	case 0:
		return "no rows"
	case 1:
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}
