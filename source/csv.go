package source

import (
	"bytes"
	"fmt"
	"strings"
)

// row is a CSV record that has been cut into cells.
type row struct {
	line         // as it stands in the list, over one line or more
	lines  int64 // how many
	text   string
	cells  []string
	state  cutState
	column int // the number of the cell that did not work out
}

// cut takes one line for a record.
func (l *List) cut(ln *line) (r row) {
	r.line, r.lines, r.text = *ln, 1, l.charset.text(ln.raw[:ln.body])
	if l.lent == nil {
		r.cells = make([]string, 0, l.width)
	} else {
		r.cells = l.lent.cells[:0]
	}
	r.cells, r.state, r.column = cutCells(r.cells, r.text, l.delimiter, l.spaced)
	if l.lent != nil {
		l.lent.cells = r.cells
	}
	return r
}

// rowRecord makes a CSV record of a line and, where a quoted cell continues, of
// the lines behind it.
//
// A stray quote must cost its own record and not the file. So when the quotes
// of a record that spans lines do not work out, or it has not the columns of
// the header, only its first line is the bad record, and reading resumes
// the next line. Unless it is no longer than cells are, and a line that would be
// sent then stands inside of its quotes: that may be text in a cell, and all of the
// record is bad. Of longer ones, each quote is likelier to be a stray one.
func (l *List) rowRecord(first *line) *Record {
	plain := l.plain(first)
	if plain > 0 && l.decodeLater {
		rec := l.begin(first.raw, 1)
		rec.Plain, rec.list, rec.body = plain, l, first.body
		return rec
	}
	alone := l.cut(first)
	if alone.state == cutOpen {
		if r, ok := l.reachQuote(alone); ok {
			inside := l.rowInside(r.lines)
			if len(r.cells) == l.width || inside && r.lines <= maxCellLines {
				return l.longRecord(&r, inside)
			}
		}
	}
	rec := l.record(&alone)
	if !rec.Malformed {
		rec.Plain = plain
	}
	return rec
}

// maxCellLines is how many lines a cell of a list can be expected to have.
const maxCellLines = 20

// longRecord makes a record of several lines.
func (l *List) longRecord(r *row, inside bool) *Record {
	if inside {
		l.notices.count("row_inside_quotes", "rows have a line inside quotation marks that reads as a row of its own: if it is one, a quotation mark is missing or too many", l.at.Line)
	}
	l.ahead = l.ahead[r.lines-1:]
	return l.record(r)
}

// rowInside reports whether one of the lines behind the first of a record would be
// sent if it were a row of its own.
func (l *List) rowInside(lines int64) bool {
	for i := range l.ahead[:lines-1] {
		ln := &l.ahead[i]
		text := l.charset.text(ln.raw[:ln.body])
		cells, state, _ := cutCells(nil, text, l.delimiter, l.spaced)
		if state != cutWhole || len(cells) != l.width || l.charset.badByte(ln.raw[:ln.body], text) >= 0 || strings.IndexByte(text, 0) >= 0 {
			continue
		}
		var c Customer
		if l.fill(&c, cells); areBlank(cells[len(l.header):]) && len(l.validate(&c, false)) == 0 {
			return true
		}
	}
	return false
}

// reachQuote joins lines to the first one until its quotes work out. It
// reports false when they never do. The lines stay ahead, to be dropped if the
// record is good and read again if it is not.
func (l *List) reachQuote(first row) (r row, ok bool) {
	r.raw = append(r.raw, first.raw...)
	var joined strings.Builder
	joined.WriteString(l.charset.text(first.raw))
	for n := range maxRecordLines - 1 {
		if n == len(l.ahead) {
			ln, err := l.lines.next()
			if err != nil {
				// Whatever ended reading comes again once the lines that
				// are ahead have been read.
				return r, false
			}
			l.ahead = append(l.ahead, ln.own())
		}
		next := l.ahead[n]
		text := l.charset.text(next.raw)
		r.body, r.lines = len(r.raw)+next.body, int64(n+2)
		r.raw = append(r.raw, next.raw...)
		joined.WriteString(text)
		if len(r.raw) > l.maxRecord() {
			return r, false
		}
		if !strings.Contains(text, `"`) {
			continue
		}
		r.text = joined.String()[:joined.Len()-(len(next.raw)-next.body)/l.charset.wide.size()]
		switch r.cells, r.state, r.column = cutCells(nil, r.text, l.delimiter, l.spaced); r.state {
		case cutWhole:
			return r, true
		case cutBad:
			return r, false
		case cutOpen:
		}
	}
	return r, false
}

// maxRecord bounds a record in bytes; a character of UTF-16 has twice as many.
func (l *List) maxRecord() int {
	if l.results {
		return maxResult
	}
	return maxRecord * l.charset.wide.size()
}

// record makes a record of a row.
func (l *List) record(r *row) *Record {
	rec := l.begin(r.raw, r.lines)
	l.decodeRow(rec, r)
	return rec
}

// decodeRow completes a record from its cells.
func (l *List) decodeRow(rec *Record, r *row) {
	rec.simple = isSimple(r.text)
	if p := l.checkRow(rec, r); p != nil {
		l.malformed(rec, r.body, *p)
		return
	}
	rec.Cells = r.cells[:len(l.header):len(l.header)]
	l.fill(&rec.Customer, rec.Cells)
	if rec.Problems = l.validate(&rec.Customer, rec.simple); l.sheetRows && len(rec.Problems) > 0 {
		l.cellNames(rec)
	}
}

// plain is what Record.Plain is of a line that makes up a row.
func (l *List) plain(ln *line) int {
	body := ln.raw[:ln.body]
	if !l.charset.isUTF8() || l.unprefix || bytes.IndexByte(body, '"') >= 0 || bytes.IndexByte(body, '\r') >= 0 {
		return 0
	}
	plain := ln.body
	for range l.width - len(l.header) {
		if plain--; plain < 0 || body[plain] != l.delimiter {
			return 0
		}
	}
	return plain
}

// isNoRow reports a line that has nothing but delimiters in it, as spreadsheets
// write rows that are empty. In results there are none.
func (l *List) isNoRow(ln *line) bool {
	unit := l.charset.wide.size()
	if l.results || l.format != FormatCSV || ln.body < unit {
		return false
	}
	switch c := l.charset.wide.ascii(ln.raw, 0); {
	case c != ' ' && c != '\t' && !l.delimits(c):
		return false
	case l.delimiter == 0:
		text := strings.Trim(l.charset.text(ln.raw[:ln.body]), " \t")
		return text != "" && strings.Trim(text, text[:1]) == ""
	}
	return isNothingButDelimiters(l.charset.text(ln.raw[:ln.body]), l.delimiter)
}

// delimits reports a character that is the delimiter or, before that is known, may
// be.
func (l *List) delimits(c byte) bool {
	return c == l.delimiter || l.delimiter == 0 && strings.IndexByte(delimiters, c) >= 0
}

// checkRow says why a row cannot be taken apart.
func (l *List) checkRow(rec *Record, r *row) *Problem {
	if len(r.raw) > l.maxRecord() {
		return &Problem{Code: "row_too_long", Message: fmt.Sprintf("%s: the row is over 2 MiB", l.lineName(rec.Line))}
	}
	if !rec.simple {
		if p := l.checkText(rec, r.body, r.text); p != nil {
			return p
		}
	}
	switch {
	case r.state == cutOpen:
		return &Problem{
			Code:    "malformed_row",
			Message: fmt.Sprintf("%s: the quote that opens column %d (%s) is not closed", l.lineName(rec.Line), r.column, l.columnName(r.column)),
		}
	case r.state == cutBad:
		return &Problem{
			Code:    "malformed_row",
			Message: fmt.Sprintf("%s: column %d (%s) has a quote where none may stand; write it twice and quote the cell", l.lineName(rec.Line), r.column, l.columnName(r.column)),
		}
	case l.sheetRows && len(r.cells) > l.width && r.cells[len(r.cells)-1] == tooManyLines:
		return &Problem{Code: "row_too_long", Message: fmt.Sprintf("%s: its cells have more than %d lines", l.lineName(rec.Line), maxRecordLines)}
	case l.sheetRows && len(r.cells) > l.width:
		return l.outside(rec.Line, r.cells)
	case len(r.cells) != l.width:
		return &Problem{
			Code:    "wrong_field_count",
			Message: fmt.Sprintf("%s: the row has %s, the header has %d%s", l.lineName(rec.Line), fieldsText(len(r.cells)), l.width, l.missingFrom(len(r.cells))),
		}
	case !areBlank(r.cells[len(l.header):]):
		return &Problem{
			Code:    "wrong_field_count",
			Message: fmt.Sprintf("%s: the row has a value behind column %d (%s), where the header has no name for it", l.lineName(rec.Line), len(l.header), l.columnName(len(l.header))),
		}
	}
	return nil
}

func fieldsText(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

// missingFrom names the first column that a short row lacks.
func (l *List) missingFrom(n int) string {
	if n >= len(l.header) {
		return ""
	}
	return fmt.Sprintf("; it ends before column %d (%s)", n+1, printable(l.header[n]))
}

func (l *List) columnName(n int) string {
	if n > len(l.header) {
		return "beyond the header"
	}
	return printable(l.header[n-1])
}
