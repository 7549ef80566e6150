package preflight

import (
	"fmt"
	"math"
	"strings"

	"bulkonboard/batch/measure"
)

// CheckInvalid returns an *InvalidError when more rows are invalid than allowed,
// so that the list is taken for a wrong one. Rows that an earlier run has told
// about count neither for nor against it.
func CheckInvalid(l measure.Limit, f *Forecast) error {
	invalid, rows := f.Invalid-f.KnownInvalid, f.Rows-f.Kept-f.KnownInvalid
	if !l.Allows(invalid, rows) {
		return &InvalidError{Limit: l, Invalid: invalid, Rows: rows, Errors: f.Errors, TypeWords: f.TypeWords}
	}
	return nil
}

// InvalidError refuses a list because of how many of its rows are invalid.
type InvalidError struct {
	Limit         measure.Limit
	Invalid, Rows int64
	Errors        measure.ErrorGroups
	TypeWords     TypeWords
}

// shownReasons is how many reasons an InvalidError names.
const shownReasons = 5

// Error names the most frequent reasons and what to type.
func (e *InvalidError) Error() string {
	reasons := e.Errors.MostFrequent()
	share := 100 * float64(e.Invalid) / float64(e.Rows)
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d rows (%.3g%%) are invalid, more than --max-invalid %s allows; nothing was sent", e.Invalid, e.Rows, share, e.Limit)
	for i, g := range reasons {
		if i == shownReasons {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Errors)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %-8d %s: first in row %d (line %d): %s", g.Count, g.Code, g.Rows[0], g.Line, g.Message)
	}
	if words := e.TypeWords.String(); words != "" {
		b.WriteString("\n" + words)
	}
	if len(reasons) > 0 && reasons[0].Code == "invalid_encoding" {
		b.WriteString("\nif the list is in another encoding, name it, such as --encoding windows-1252; other problems may be gone then")
	}
	b.WriteString("\nif a field is read from the wrong column, name the right one: --map FIELD=\"COLUMN\" (bulkonboard check shows the mapping)")
	fmt.Fprintf(&b, "\nif the list is right but for these rows, type --max-invalid %.0f%%: they come out as invalid in the results,"+
		" to be fixed there and sent with bulkonboard retry", math.Ceil(share))
	return b.String()
}
