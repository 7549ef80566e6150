package fixes

import (
	"encoding/csv"
	"io"
	"strconv"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Needed reports whether a record of results needs attention.
func Needed(previous sink.Previous, rec *source.Record) bool {
	res, ok := previous.Result(rec)
	return !ok || !res.Status.Good()
}

// Writer writes a sheet. It is used by one goroutine.
type Writer struct {
	of    Results
	table Table
	csv   *csv.Writer
	safe  bool
	cells []string
	Rows  int64 // written
}

// NewWriter begins a sheet in the dialect of the results. A byte order mark comes
// first, without which spreadsheets do not read UTF-8.
func NewWriter(w io.Writer, of Results, t Table, list *source.List) (*Writer, error) {
	if err := checkColumns(list.Name(), t.Columns()); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, err
	}
	s := &Writer{of: of, table: t, csv: csv.NewWriter(w), safe: list.Prefixed()}
	if d := list.Delimiter(); d != 0 {
		s.csv.Comma = d
	}
	return s, s.csv.Write(append(ownColumns(), s.safely(t.Columns())...))
}

// byteOrderMark is that of UTF-8.
const byteOrderMark = "\ufeff"

// Write adds a record that needs attention.
func (s *Writer) Write(rec *source.Record) error {
	problems := "the row cannot be read"
	if res, ok := s.table.Result(rec); ok {
		problems = string(res.Status) + ": " + res.ErrorMessage
		if res.ErrorMessage == "" {
			problems = string(res.Status) + ": " + res.ErrorCode
		}
	}
	s.cells = append(s.cells[:0], s.of.mark(rec.Row, rec.Raw), strconv.FormatInt(rec.Row, 10), problems)
	s.cells = append(s.cells, s.safely(s.table.Values(rec))...)
	s.Rows++
	return s.csv.Write(s.cells)
}

// safely is values as a spreadsheet does not run them, where that was asked for.
func (s *Writer) safely(values []string) []string {
	if !s.safe {
		return values
	}
	safe := make([]string, len(values))
	for i, value := range values {
		safe[i] = source.WithPrefix(value)
	}
	return safe
}

// Close ends the sheet.
func (s *Writer) Close() error {
	s.csv.Flush()
	return s.csv.Error()
}
