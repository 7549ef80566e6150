package fixes

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Scratch keeps the values of a sheet until their rows come.
type Scratch interface {
	io.Writer
	io.ReaderAt
}

// Sheet is a sheet that somebody has corrected. In memory is only where its rows
// are.
type Sheet struct {
	name    string
	of      Results
	columns []string // of the list, as the sheet has them
	at      []int    // by column of the sheet: which of the table's it is
	rows    []entry  // by number
	scratch Scratch
}

// entry is where a row of a sheet is.
type entry struct {
	row     int64
	line    int64 // of the sheet
	from    int64 // in the scratch file
	size    int
	changed bool
	passed  bool // the row is as if the sheet did not have it
}

// kept is a row of a sheet in the scratch file.
type kept struct {
	Mark    string
	Values  []string       // by column of the sheet
	Numbers map[int]string // the cells that a workbook stores as numbers or truths, by column of the sheet
}

// maxHeader bounds the header of a sheet, in bytes.
const maxHeader = 1 << 20

// hint is what to do with a sheet that cannot be taken.
const hint = "correct the sheet, or make a new one with bulkonboard fixes; nothing was sent"

// Read reads a sheet about results with the columns of a table. In CSV, safe says
// that values have the prefix of formula-safe results.
func Read(in *io.SectionReader, name string, of Results, t Table, safe bool, scratch Scratch) (*Sheet, error) {
	s := &Sheet{name: name, of: of, scratch: scratch}
	magic := make([]byte, len(source.WorkbookMagic))
	if _, err := in.ReadAt(magic, 0); err == nil && string(magic) == source.WorkbookMagic {
		if err := s.readBook(in, t); err != nil {
			return nil, err
		}
		return s, s.sort()
	}
	if err := s.readCSV(in, t, safe); err != nil {
		return nil, err
	}
	return s, s.sort()
}

func (s *Sheet) readCSV(in io.Reader, t Table, safe bool) error {
	text := bufio.NewReaderSize(transform.NewReader(in, unicode.BOMOverride(encoding.Nop.NewDecoder())), maxHeader)
	reader, err := s.open(text)
	if err != nil {
		return err
	}
	rows, err := gocsv.NewUnmarshaller(reader, row{})
	if err != nil {
		return s.wrong(1, err.Error())
	}
	if err := rows.RenormalizeHeaders(func(header []string) []string { return names(header, safe) }); err != nil {
		return s.wrong(1, err.Error())
	}
	if err := s.bind(rows.Headers, t.Columns()); err != nil {
		return err
	}
	for {
		r, values, err := rows.ReadUnmatched()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s.unreadable(err)
		}
		line, _ := reader.FieldPos(0)
		if err := s.take(int64(line), r.(row), values, safe); err != nil {
			return err
		}
	}
	return nil
}

// open finds the delimiter of a sheet, which cuts its header into our
// columns and others.
func (s *Sheet) open(text *bufio.Reader) (*csv.Reader, error) {
	start, err := text.Peek(maxHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &source.ReadError{Name: s.name, Err: err}
	}
	if !bytes.ContainsRune(start, '\n') {
		start, text = bytes.ReplaceAll(start, []byte("\r"), []byte("\n")), bufio.NewReader(&lineFeeds{text})
	}
	if n := statement(start); n > 0 {
		_, _ = text.Discard(n) // it is there
		start = start[n:]
	}
	for _, delimiter := range ",;\t|" {
		header := csv.NewReader(strings.NewReader(string(start)))
		header.Comma = delimiter
		cells, err := header.Read()
		if err == nil && slices.ContainsFunc(cells, func(cell string) bool { return named(cell) == markColumn }) {
			r := csv.NewReader(text)
			r.Comma = delimiter
			return r, nil
		}
	}
	return nil, s.wrong(1, "the header has no column "+markColumn+", so this is not a sheet of corrections")
}

// statement is the length of a first line such as "sep=;", which tells Excel the
// delimiter; 0 when there is none.
func statement(start []byte) int {
	line, _, ended := bytes.Cut(start, []byte("\n"))
	text := strings.ToLower(strings.Trim(string(line), "\"\r"+byteOrderMark))
	if !ended || !strings.HasPrefix(text, "sep=") || len(text) > len("sep=;") {
		return 0
	}
	return len(line) + 1
}

// lineFeeds reads text whose lines end with a CR alone, as Excel writes them for
// the Macintosh, as if they ended with LF.
type lineFeeds struct{ in io.Reader }

// Read reads text.
func (l *lineFeeds) Read(b []byte) (int, error) {
	n, err := l.in.Read(b)
	for i, c := range b[:n] {
		if c == '\r' {
			b[i] = '\n'
		}
	}
	return n, err
}

// named is the name of a column without what a program may have put before it.
func named(cell string) string { return strings.TrimSpace(strings.Trim(cell, byteOrderMark)) }

// names are those of a header, as the list has them.
func names(header []string, safe bool) []string {
	names := make([]string, len(header))
	for i, cell := range header {
		if names[i] = named(cell); safe {
			names[i] = source.WithoutPrefix(names[i])
		}
	}
	return names
}

// bind finds the columns of the sheet. Columns of the list may be left out: their
// values stay.
func (s *Sheet) bind(header, columns []string) error {
	seen := map[string]bool{}
	for _, name := range header {
		if seen[name] {
			return s.wrong(1, fmt.Sprintf("there are two columns %q", name))
		}
		seen[name] = true
		if slices.Contains(ownColumns(), name) {
			continue
		}
		i := slices.IndexFunc(columns, func(column string) bool { return named(column) == name })
		if i < 0 {
			return s.wrong(1, fmt.Sprintf("the list has no column %q, and a sheet adds none: take it out, or add the column to the list and send that with bulkonboard run", name))
		}
		s.columns, s.at = append(s.columns, name), append(s.at, i)
	}
	if !seen[rowColumn] {
		return s.wrong(1, "the column "+rowColumn+" is missing")
	}
	return nil
}

// take takes one row. Empty rows, which spreadsheets add, are none.
func (s *Sheet) take(line int64, r row, values map[string]string, safe bool) error {
	k := kept{}
	for i, column := range s.columns {
		value := values[column]
		if !utf8.ValidString(value) {
			return s.wrong(line, fmt.Sprintf("column %q is not UTF-8: save the sheet as CSV in UTF-8", s.columns[i]))
		}
		if safe {
			value = source.WithoutPrefix(value)
		}
		k.Values = append(k.Values, value)
	}
	return s.add(line, r, &k)
}

// add keeps a row, unless it is empty.
func (s *Sheet) add(line int64, r row, k *kept) error {
	k.Mark = strings.TrimSpace(r.Mark)
	if k.Mark == "" && strings.TrimSpace(r.Row+strings.Join(k.Values, "")) == "" {
		return nil
	}
	number, err := strconv.ParseInt(strings.TrimSpace(r.Row), 10, 64)
	switch {
	case err != nil || number < 1:
		return s.wrong(line, fmt.Sprintf("%s is %q, which is not the number of a row", rowColumn, r.Row))
	case k.Mark == "":
		return s.wrong(line, fmt.Sprintf("row %d has no mark: %s must stay as it was written", number, markColumn))
	case !s.of.isOurs(k.Mark):
		return s.wrong(line, fmt.Sprintf("row %d has a mark of other results, or one that was changed: this sheet is not of run %s", number, s.of.Run))
	}
	return s.keep(entry{row: number, line: line}, k)
}

// keep puts a row into the scratch file.
func (s *Sheet) keep(e entry, k *kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("keep row %d of %s: %w", e.row, s.name, err)
	}
	if n := len(s.rows); n > 0 {
		e.from = s.rows[n-1].from + int64(s.rows[n-1].size)
	}
	e.size = len(b)
	s.rows = append(s.rows, e)
	_, err = s.scratch.Write(b)
	return err
}

// sort puts the rows in order, and refuses one that comes twice.
func (s *Sheet) sort() error {
	slices.SortStableFunc(s.rows, func(a, b entry) int { return int(min(1, max(-1, a.row-b.row))) })
	for i := range s.rows[min(1, len(s.rows)):] {
		if a, b := &s.rows[i], &s.rows[i+1]; a.row == b.row {
			return s.wrong(b.line, fmt.Sprintf("row %d is there twice, first in line %d: leave one", b.row, a.line))
		}
	}
	return nil
}

// find gives the place of a row; nil when the sheet does not have it.
func (s *Sheet) find(number int64) *entry {
	i, found := slices.BinarySearchFunc(s.rows, number, func(e entry, n int64) int { return int(min(1, max(-1, e.row-n))) })
	if !found {
		return nil
	}
	return &s.rows[i]
}

// read gives a row back.
func (s *Sheet) read(e *entry) (k kept, err error) {
	b := make([]byte, e.size)
	if _, err = s.scratch.ReadAt(b, e.from); err == nil {
		err = json.Unmarshal(b, &k)
	}
	return k, err
}

// Sends reports whether a row that has not succeeded is sent again: one that is
// in the sheet, unless it is invalid as it was before; and of the others one that
// failed, which nothing has to be corrected in.
func (s *Sheet) Sends(number int64, status sink.Status) bool {
	e := s.find(number)
	switch {
	case e == nil || e.passed:
		return status == sink.Failed
	case status == sink.Invalid:
		return e.changed
	}
	return true
}

func (s *Sheet) wrong(line int64, reason string) error {
	return &source.ListError{Name: s.name, Line: line, Reason: reason, Hint: hint}
}

// unreadable is what ends the reading of a sheet early.
func (s *Sheet) unreadable(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return s.wrong(int64(syntax.StartLine), syntax.Err.Error())
	}
	return &source.ReadError{Name: s.name, Err: err}
}
