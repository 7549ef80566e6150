// Package source reads customer lists: CSV, JSONL and Excel workbooks, row by row,
// keeping for every record the very bytes it was read from and where they stand; a
// row of a workbook has those of a CSV row that says the same.
package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cespare/xxhash/v2"
)

const (
	// maxRecord bounds a CSV record, in bytes, and maxRecordLines in lines: a
	// quote that is never closed must not take the rest of the file with it.
	maxRecord      = 2 << 20
	maxRecordLines = 1000

	// maxObject bounds a JSONL line, in bytes.
	maxObject = 1 << 20

	// maxResult bounds a row of results, in bytes: the longest record, written
	// in UTF-8 and quoted again, with its result.
	maxResult = 12 << 20
)

// List is a customer list that is being read. It is used by one goroutine and
// read once; the caller closes what it was opened on.
type List struct {
	name      string
	format    Format
	lines     *lines
	charset   charset
	looks     utf8Looks
	bom       bool
	lineEnd   string
	delimiter byte // 0 until it is found
	spaced    bool // quotes have a blank before them
	width     int  // how many cells a row has: the header, and columns without a name behind it
	header    []string
	headerRaw []byte
	mapping   mapping
	columnOf  columnNumbers
	object    object // JSONL: of the line that is being read
	unprefix  bool   // cells have the prefix of formula-safe results
	results   bool   // the list is a results file

	encodingNamed  bool
	delimiterNamed bool

	decodeLater bool
	notices     notices

	sheet     *sheet // of a workbook; nil when the list is none
	sheetRows bool   // the list, or what it is a part of, is a workbook: lines are rows of a sheet
	scratch   []Scratch

	ahead []line   // lines that were read to find a closing quote, and given back
	lent  *lent    // nil when records are given away
	first Position // where the records begin
	at    Position
	sum   *xxhash.Digest
}

// Open recognises the list on r and reads its header. What makes it no
// customer list is a *ListError.
func Open(r io.Reader, o Options) (*List, error) {
	l := &List{name: o.Name, format: o.Format, sum: xxhash.New(), at: Position{Line: 1}, unprefix: o.FormulaSafe, results: o.Results, sheetRows: o.SheetRows}
	err := l.open(r, &o)
	if err == nil {
		if o.Part != nil {
			l.at = o.Part.Begins
		}
		l.first = l.at
		return l, nil
	}
	_ = l.Close() // what is in it is read again
	var wrong *ListError
	if errors.As(err, &wrong) {
		wrong.Name = o.Name
	}
	return nil, err
}

func (l *List) open(r io.Reader, o *Options) error {
	var wrong []string
	if l.mapping, wrong = o.mapping(); len(wrong) > 0 {
		return &ListError{Reason: strings.Join(wrong, "; ")}
	}
	l.object.mapping = &l.mapping
	l.encodingNamed, l.delimiterNamed, l.delimiter = o.Encoding != "", o.Delimiter != 0, byte(o.Delimiter)
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(len(WorkbookMagic)); string(magic) == WorkbookMagic { // an error comes again with the first read
		return l.openWorkbook(in, o)
	}
	if o.Sheet != "" && !o.SheetRows {
		return &ListError{Reason: "the list is not a workbook, and has no sheets", Hint: "leave out --sheet"}
	}
	plain, err := decompressed(in)
	if err != nil {
		return err
	}
	if o.Copy != nil {
		plain = io.TeeReader(plain, o.Copy)
	}
	l.lines = newLines(plain)
	mark, err := l.settleCharset(o.Encoding)
	if err != nil {
		return err
	}
	if o.Part == nil {
		err = l.recognise(l.lines.peek(window)[len(mark):])
	}
	if err == nil && bytes.HasPrefix(l.lines.peek(len(mark) + len(utf8Mark))[len(mark):], []byte(utf8Mark)) && len(mark) > 0 && l.charset.isUTF8() {
		err = &ListError{
			Line: 1, Reason: "the list begins with two byte order marks, so the first name of the header has one in it that cannot be seen",
			Hint: "take one away: tail -c +4 LIST > list.csv",
		}
	}
	if err != nil {
		return err
	}
	l.settleLineEnd(o.Part)
	if l.format == FormatJSONL {
		name, mapped := l.mapping.columns[customerType]
		l.mapping.typeFollows = mapped && name == "" && !l.mapping.isConstant(customerType)
		return l.begins(mark)
	}
	l.headerRaw = append(l.headerRaw, l.lines.skip(int64(len(mark)))...)
	l.consume(mark, 0)
	return l.readHeader()
}

// settleLineEnd finds how lines end, from the first of them or from what the
// whole list gave.
func (l *List) settleLineEnd(part *Part) {
	if part == nil {
		l.lineEnd = l.lines.settle(l.format == FormatCSV)
		return
	}
	l.lineEnd, l.lines.cr = part.LineEnd, part.LineEnd == "\r"
}

// window is how much of a list is looked at to find out what it is.
const window = 4 << 10

// begins takes the byte order mark of a JSONL list, which has no other header.
func (l *List) begins(mark []byte) error {
	if l.delimiterNamed || l.unprefix {
		return &ListError{Reason: "the list is JSONL; --delimiter and --formula-safe are for CSV", Hint: "leave them out"}
	}
	l.headerRaw = append(l.headerRaw, l.lines.skip(int64(len(mark)))...)
	l.consume(mark, 0)
	return nil
}

// settleCharset finds the encoding and returns the byte order mark.
func (l *List) settleCharset(name string) (mark []byte, err error) {
	if strings.EqualFold(strings.TrimSpace(name), ansi) {
		l.notices.of("ansi", "--encoding ansi is read as windows-1252, of Western Europe: where Windows was set to another language, name its encoding, such as windows-1254 (Turkish) or windows-1251 (Cyrillic)")
	}
	l.charset, mark, err = settleCharset(name, l.lines.peek(window))
	l.bom = len(mark) > 0
	l.lines.wide = l.charset.wide
	return mark, err
}

// recognise settles the format by the first thing that is not white space.
func (l *List) recognise(start []byte) error {
	first := strings.TrimLeft(l.charset.text(start), " \t\r\n")
	switch {
	case first == "" && len(start) < window && l.lines.err != nil && !errors.Is(l.lines.err, io.EOF):
		return &ReadError{Name: l.name, Err: l.lines.err}
	case first == "":
		return &ListError{Reason: "the list is empty", Hint: "check that the export that makes it has run"}
	case first[0] == '<' && l.format != FormatJSONL:
		return &ListError{
			Line: 1, Reason: "this is an HTML page or an XML document, which some programs write for a spreadsheet, and not a CSV or JSONL list",
			Hint: "open it in a spreadsheet program, save it as an Excel workbook (.xlsx), and give that",
		}
	case first[0] == '[' && l.format != FormatCSV:
		return &ListError{
			Line: 1, Reason: "this is a JSON array, not one object a line",
			Hint: "convert it: jq -c '.[]' LIST > list.jsonl",
		}
	case l.format != FormatCSV && strings.HasPrefix(first, "\x1e"):
		return &ListError{
			Line: 1, Reason: "every object has a record separator before it (a JSON text sequence, RFC 7464), not one object a line",
			Hint: "take the separators away: tr -d '\\036' < LIST > list.jsonl",
		}
	case l.format != FormatCSV && isComment(first):
		return &ListError{
			Line: 1, Reason: "the list begins with a comment, which JSONL does not have",
			Hint: "take such lines away: grep -v '^[[:space:]]*\\(//\\|#\\)' LIST > list.jsonl",
		}
	case l.format != FormatCSV && isPretty(first):
		return &ListError{
			Line: 1, Reason: "this is JSON over several lines, not one object a line",
			Hint: "put each object on a line: jq -c . LIST > list.jsonl",
		}
	case l.format != FormatAuto:
	case first[0] == '{':
		l.format = FormatJSONL
	default:
		l.format = FormatCSV
	}
	return nil
}

// isComment reports a list of objects with a comment before the first of them.
func isComment(text string) bool {
	if !strings.HasPrefix(text, "//") && !strings.HasPrefix(text, "/*") && text[0] != '#' {
		return false
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") {
			return true
		}
	}
	return false
}

// isPretty reports an object whose first line does not end it.
func isPretty(text string) bool {
	line, rest, _ := strings.Cut(strings.ReplaceAll(text, "\r", "\n"), "\n")
	rest = strings.TrimSpace(rest)
	return strings.TrimSpace(line) == "{" && (rest == "" || rest[0] == '"' || rest[0] == '}')
}

// Name is the list's name for people.
func (l *List) Name() string { return l.name }

// Format is the format of the list, never FormatAuto.
func (l *List) Format() Format { return l.format }

// Header is the names of the columns as they were found; nil for JSONL. It is
// shared and must not be changed.
func (l *List) Header() []string { return l.header }

// HeaderRaw is the very bytes before the first record, in the list's own
// encoding: byte order mark, header and line end.
func (l *List) HeaderRaw() []byte { return l.headerRaw }

// Delimiter separates the cells of a CSV list.
func (l *List) Delimiter() rune { return rune(l.delimiter) }

// Begins is the place right behind the header, where the records begin.
func (l *List) Begins() Position { return l.first }

// LineEnd is how lines end: "\n", "\r\n" or "\r".
func (l *List) LineEnd() string { return l.lineEnd }

// BOM reports whether the list begins with a byte order mark.
func (l *List) BOM() bool { return l.bom }

// Prefixed reports whether cells have the prefix of formula-safe results, which
// is not part of the values.
func (l *List) Prefixed() bool { return l.unprefix }

// Encoding is the name of the list's encoding; "UTF-8" where nothing else was
// found or given.
func (l *List) Encoding() string { return l.charset.String() }

// terminal is what reading ends with when it is not the end of the list.
func (l *List) terminal(err error) error {
	if errors.Is(err, errLineTooLong) {
		return &ListError{
			Name: l.name, Line: l.at.Line, Reason: "the line is over 16 MiB, so this is not a customer list",
			Hint: "check that this is the right file, and that its lines end with a line end",
		}
	}
	var wrong *ListError
	if errors.As(err, &wrong) {
		return err
	}
	return &ReadError{Name: l.name, Err: err}
}

// ReadError says that the bytes of the list could not be read.
type ReadError struct {
	Name string
	Err  error
}

func (e *ReadError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("read %s: the compressed list ends in the middle; fetch it again, and run the same command", e.Name)
	}
	return fmt.Sprintf("read %s: %v", e.Name, e.Err)
}

// Unwrap returns what went wrong.
func (e *ReadError) Unwrap() error { return e.Err }
