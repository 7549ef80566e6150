package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// delimiters are those looked for in a header.
const delimiters = ",;\t|"

// ParseDelimiter reads a delimiter as it is typed. An empty text is none: it is
// to be found from the header.
func ParseDelimiter(text string) (rune, error) {
	switch text {
	case "":
		return 0, nil
	case "tab", `\t`:
		return '\t', nil
	}
	if len(text) == 1 && strings.Contains(delimiters, text) {
		return rune(text[0]), nil
	}
	return 0, fmt.Errorf("--delimiter is %q; it takes one of , ; | and tab", text)
}

// delimiterOf finds the delimiter that cuts a header into the most cells.
func delimiterOf(text string) byte {
	best, most := byte(','), 1
	for i := range len(delimiters) {
		cells, state, _ := cutCells(nil, text, delimiters[i])
		if state == cutWhole && len(cells) > most {
			best, most = delimiters[i], len(cells)
		}
	}
	return best
}

// readHeader reads the first line that is not blank as the header, and the
// lines behind it as far as a quoted name goes on. --delimiter goes before what
// a list states about itself.
func (l *List) readHeader() error {
	for {
		ln, err := l.take()
		if errors.Is(err, io.EOF) {
			return &ListError{Reason: "the list is empty", Hint: "check that the export that makes it has run"}
		}
		if err != nil {
			return l.terminal(err)
		}
		if ln.body > 0 && !l.statesDelimiter(ln) && !l.statesType(ln) {
			return l.bindHeader(l.headerRow(ln))
		}
		l.headerRaw = append(l.headerRaw, ln.raw...)
		l.consume(ln.raw, 1)
	}
}

// statesDelimiter takes a line such as "sep=;" at its word. Exports put it
// first for Excel, which shows the rest of the list only.
func (l *List) statesDelimiter(ln line) bool {
	stated, found := strings.CutPrefix(strings.ToLower(strings.Trim(l.charset.text(ln.raw[:ln.body]), `"`)), "sep=")
	if !found || len(stated) != 1 || !strings.Contains(delimiters, stated) {
		return false
	}
	if l.delimiter == 0 {
		l.delimiter = stated[0]
	}
	return true
}

// statesType recognises what Windows PowerShell puts before the header unless
// it is told not to: "#TYPE System.Management.Automation.PSCustomObject".
func (l *List) statesType(ln line) bool {
	return strings.HasPrefix(strings.Trim(l.charset.text(ln.raw[:ln.body]), `"`), "#TYPE ")
}

// headerRow cuts the header, and finds the delimiter first when none was given.
func (l *List) headerRow(first line) row {
	if l.delimiter != 0 {
		return l.wholeHeader(first)
	}
	text := l.charset.text(first.raw[:first.body])
	l.delimiter = delimiterOf(text)
	r := l.wholeHeader(first)
	if r.lines > 1 {
		l.delimiter = delimiterOf(r.text)
		r.cells, r.state, r.column = cutCells(nil, r.text, l.delimiter)
	}
	return r
}

// wholeHeader takes the lines that a quoted name spans.
func (l *List) wholeHeader(first line) row {
	alone := l.cut(&first)
	if alone.state == cutOpen {
		if r, ok := l.reachQuote(alone); ok {
			l.ahead = l.ahead[r.lines-1:]
			return r
		}
	}
	return alone
}

func (l *List) bindHeader(r row) error {
	at := l.at
	l.headerRaw = append(l.headerRaw, r.raw...)
	l.consume(r.raw, r.lines)
	if bad := l.charset.badByte(r.raw[:r.body], r.text); bad >= 0 {
		return &ListError{
			Line: at.Line, Reason: fmt.Sprintf("the header cannot be read: the byte at offset %d of the list is not valid %s", at.Offset+int64(bad), &l.charset),
			Hint: nameEncoding,
		}
	}
	if strings.IndexByte(r.text, 0) >= 0 {
		return &ListError{Line: at.Line, Reason: "the header has a NUL byte in it, so this is no text", Hint: nameEncoding}
	}
	if r.state != cutWhole {
		return &ListError{
			Line: at.Line, Reason: fmt.Sprintf("the quotes of column %d of the header do not fit", r.column),
			Hint: "write every quoted name as \"name\", and a quote inside it twice",
		}
	}
	err := l.bindColumns(r.cells)
	var wrong *ListError
	if errors.As(err, &wrong) {
		wrong.Line = at.Line
	}
	return err
}

func (l *List) bindColumns(header []string) error {
	if l.unprefix {
		withoutPrefix(header)
	}
	if hasAddress(header) {
		return noHeader("the first line has an e-mail address in it, so it looks like a customer and not like a header")
	}
	if err := checkNames(header, l.delimiter); err != nil {
		return err
	}
	at, err := l.mapping.bind(header)
	if err != nil {
		return err
	}
	if err := l.mapping.checkHeader(header, at); err != nil {
		return err
	}
	l.header, l.columnOf = header, at
	if at[customerType] == 0 && !l.mapping.isConstant(customerType) {
		l.mapping.typeFollows = true
		l.notices.of("type_follows", "the list has no column customerType: the type of each row follows from its details")
	}
	l.columns, err = columnsAt(at)
	return err
}

// fill makes a customer of the cells of a row.
func (l *List) fill(c *Customer, cells []string) {
	if l.unprefix {
		withoutPrefix(cells)
	}
	*c = l.columns.customer(cells)
	l.mapping.set(c)
}
