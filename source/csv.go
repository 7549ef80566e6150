package source

import (
	"bytes"
	"fmt"
)

// rowRecord makes a CSV record of a line and, where a quoted cell goes on, of
// the lines behind it.
//
// A stray quote must cost its own record and not the file. So when the quotes
// of a record that spans lines do not work out, or it has not the columns of
// the header, only its first line is the bad record, and reading goes on with
// the next line.
func (l *List) rowRecord(first line) *Record {
	text := string(first.raw[:first.body])
	cells, state, bad := cutCells(make([]string, 0, len(l.header)), text, l.delimiter)
	if state != cutOpen {
		return l.row(l.begin(first.raw, 1), text, cells, state, bad)
	}
	raw, body, lines := l.reachQuote(first)
	if lines > 1 {
		whole := string(raw[:body])
		many, _, _ := cutCells(make([]string, 0, len(l.header)), whole, l.delimiter)
		if len(many) == len(l.header) {
			l.ahead = l.ahead[lines-1:]
			return l.row(l.begin(raw, int64(lines)), whole, many, cutWhole, 0)
		}
	}
	return l.row(l.begin(first.raw, 1), text, nil, cutOpen, bad)
}

// reachQuote joins lines to the first one until its quotes work out. It
// returns one line when they never do. The lines stay ahead, to be dropped if
// the record is good and read again if it is not.
func (l *List) reachQuote(first line) (raw []byte, body, lines int) {
	raw = append([]byte(nil), first.raw...)
	for n := range maxRecordLines - 1 {
		if n == len(l.ahead) {
			ln, err := l.lines.next()
			if err != nil {
				// Whatever ended reading comes again once the lines that
				// are ahead have been read.
				return nil, 0, 1
			}
			l.ahead = append(l.ahead, ln.own())
		}
		next := l.ahead[n]
		body = len(raw) + next.body
		raw = append(raw, next.raw...)
		if len(raw) > maxRecord {
			break
		}
		if bytes.IndexByte(next.raw, '"') < 0 {
			continue
		}
		switch _, state, _ := cutCells(nil, string(raw[:body]), l.delimiter); state {
		case cutWhole:
			return raw, body, n + 2
		case cutBad:
			return nil, 0, 1
		}
	}
	return nil, 0, 1
}

// row completes a record from its cells.
func (l *List) row(rec *Record, text string, cells []string, state cutState, bad int) *Record {
	if len(rec.Raw) > maxRecord {
		return rec.malformed(text, Problem{Code: "row_too_long", Message: "the row is over 2 MiB"})
	}
	if p := checkText(text, rec.Offset); p != nil {
		return rec.malformed(text, *p)
	}
	switch {
	case state == cutOpen:
		return rec.malformed(text, Problem{
			Code:    "malformed_row",
			Message: fmt.Sprintf("line %d: the quote that opens column %d (%s) is not closed", rec.Line, bad, l.columnName(bad)),
		})
	case state == cutBad:
		return rec.malformed(text, Problem{
			Code:    "malformed_row",
			Message: fmt.Sprintf("line %d: column %d (%s) has a quote where none may stand; write it twice and quote the cell", rec.Line, bad, l.columnName(bad)),
		})
	case len(cells) != len(l.header):
		return rec.malformed(text, Problem{
			Code:    "wrong_field_count",
			Message: fmt.Sprintf("line %d: the row has %d fields, the header has %d", rec.Line, len(cells), len(l.header)),
		})
	}
	rec.Cells = cells
	rec.Customer = l.columns.customer(cells)
	rec.Problems = Validate(&rec.Customer)
	return rec
}

func (l *List) columnName(n int) string {
	if n > len(l.header) {
		return "beyond the header"
	}
	return l.header[n-1]
}
