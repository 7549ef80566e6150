package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
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

// delimiterName is a delimiter as it is typed.
func delimiterName(delimiter byte) string {
	if delimiter == '\t' {
		return "tab"
	}
	return "'" + string(delimiter) + "'"
}

// delimiterOf finds the delimiter that cuts a header into the most cells.
func delimiterOf(text string) byte {
	best, most := byte(','), 1
	for i := range len(delimiters) {
		cells, state, _ := cutCells(nil, text, delimiters[i], true)
		if state == cutWhole && len(cells) > most {
			best, most = delimiters[i], len(cells)
		}
	}
	return best
}

// readHeader reads the first line that is not blank as the header, and the
// lines behind it as far as a quoted name continues. --delimiter overrides what
// a list states about itself. A workbook states nothing: its first row with text
// is the header.
func (l *List) readHeader() error {
	for {
		ln, err := l.take()
		if errors.Is(err, io.EOF) {
			return &ListError{Reason: "the list is empty", Hint: "check that the export that makes it has run"}
		}
		if err != nil {
			return l.terminal(err)
		}
		if ln.body > 0 && (l.sheetRows || !l.statesDelimiter(ln) && !l.statesType(ln) && !l.isNoRow(&ln)) {
			r := l.headerRow(ln)
			l.settleSpaces(&r)
			return l.bindHeader(r)
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
	l.spaced = true
	r := l.wholeHeader(first)
	if r.lines > 1 {
		l.delimiter = delimiterOf(r.text)
		r.cells, r.state, r.column = cutCells(nil, r.text, l.delimiter, true)
	}
	return r
}

// settleSpaces finds out whether the list has a blank behind every delimiter, so
// that quotes come behind blanks. The header tells it, which every part of a list
// has.
func (l *List) settleSpaces(header *row) {
	if l.spaced = !l.sheetRows && hasSpaces(header.text, l.delimiter); l.spaced {
		l.notices.of("spaced_quotes", "there is a blank behind every delimiter: before a quotation mark it is not part of a value")
	}
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
		return &ListError{Line: at.Line, Reason: "the header has a NUL byte in it, so this is not text", Hint: nameEncoding}
	}
	if separator := separatorOf(&r); separator != "" {
		return &ListError{
			Line: at.Line, Reason: fmt.Sprintf("the names of the header are separated by %q, and a list is separated by commas, semicolons, tabs or bars", separator),
			Hint: "export the list again, with one of these",
		}
	}
	if r.state != cutWhole {
		return &ListError{
			Line: at.Line, Reason: fmt.Sprintf("the quotes of column %d of the header do not fit", r.column),
			Hint: "write every quoted name as \"name\", and a quote inside it twice",
		}
	}
	l.width = len(r.cells)
	names := l.named(r.cells)
	err := l.bindColumns(names)
	var wrong *ListError
	switch {
	case errors.As(err, &wrong) && l.sheet != nil:
		return l.inSheet(wrong)
	case wrong != nil && l.delimiterNamed && len(names) == 1 && delimiterOf(r.text) != l.delimiter:
		return &ListError{
			Line: at.Line, Reason: fmt.Sprintf("--delimiter is %q, and the header has none: %s", l.delimiter, shellWord(names[0])),
			Hint: fmt.Sprintf("leave out --delimiter, or type --delimiter %s", delimiterName(delimiterOf(r.text))),
		}
	case wrong != nil:
		wrong.Line = at.Line
		return l.belowTitles(at.Line, r.lines, err)
	}
	if n := l.width - len(names); n > 0 {
		l.notices.of("unnamed_columns", fmt.Sprintf("the header ends with %s without a name: results leave them out, and a row with a value there is invalid", columnsText(n)))
	}
	return err
}

// separatorOf is what stands behind the first name of a header where nothing that
// separates may stand; "" in any other header.
func separatorOf(header *row) string {
	if header.state != cutBad || header.column != 1 || !strings.HasPrefix(header.text, `"`) {
		return ""
	}
	_, rest, _ := quotedCell(header.text[1:])
	if r, n := utf8.DecodeRuneInString(rest); unicode.IsPunct(r) || unicode.IsSpace(r) || unicode.IsSymbol(r) {
		return rest[:n]
	}
	return ""
}

// titleLines is how many lines above the header are looked through.
const titleLines = 20

// belowTitles says where the header is, when lines above it were taken for it.
func (l *List) belowTitles(first, lines int64, refused error) error {
	start := l.charset.text(l.lines.peek(window))
	number := first + lines
	for line := range strings.Lines(strings.ReplaceAll(strings.ReplaceAll(start, "\r\n", "\n"), "\r", "\n")) {
		if number-first > titleLines || !strings.HasSuffix(line, "\n") {
			break
		}
		if l.wouldBind(strings.TrimSuffix(line, "\n")) {
			return &ListError{
				Reason: fmt.Sprintf("the header is in line %d, and above it are lines that are not part of the list, such as a title", number),
				Hint:   fmt.Sprintf("take them away: tail -n +%d LIST > list.csv", number),
			}
		}
		number++
	}
	return refused
}

// wouldBind reports a line that is a header with all that a customer needs.
func (l *List) wouldBind(line string) bool {
	delimiter := l.delimiter
	if !l.delimiterNamed {
		delimiter = delimiterOf(line)
	}
	cells, state, _ := cutCells(nil, line, delimiter, true)
	return state == cutWhole && l.mapping.fits(l.named(cells))
}

// named are the columns with a name. Exports put columns without one behind them.
func (l *List) named(header []string) []string {
	n := len(header)
	for n > 1 && !l.results && strings.TrimSpace(header[n-1]) == "" {
		n--
	}
	return header[:n]
}

func columnsText(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}

func (l *List) bindColumns(header []string) error {
	if l.unprefix {
		withoutPrefix(header)
	}
	at, err := l.mapping.columnsOf(header)
	if err != nil {
		return err
	}
	l.header, l.columnOf = header, at
	if at[customerType] == 0 && !l.mapping.isConstant(customerType) {
		l.mapping.typeFollows = true
		l.notices.of("type_follows", "customerType is read from no column: the type of each row follows from its details")
	}
	return nil
}

// fill makes a customer of the cells of a row.
func (l *List) fill(c *Customer, cells []string) {
	if l.unprefix {
		withoutPrefix(cells)
	}
	l.columnOf.fill(c, cells)
	l.mapping.set(c)
}
