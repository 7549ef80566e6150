package fixes

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// needed reports whether a record of results needs attention.
func needed(previous sink.Previous, rec *source.Record) bool {
	res, ok := previous.Result(rec)
	return !ok || !res.Status.Good()
}

// Writer writes a sheet. It is used by one goroutine.
type Writer struct {
	of     Results
	table  Table
	to     output
	safe   bool
	cells  []string
	faulty []bool
	counts map[count]int64
	Rows   int64 // written
}

// output is what a sheet is written to.
type output interface {
	// row writes a row. faulty says which of its cells are at fault; nil: none.
	row(cells []string, faulty []bool) error

	// close ends the sheet, with the counts of what is in it.
	close(counts map[count]int64) error
}

// count is a kind of rows.
type count struct {
	status sink.Status
	code   string
}

// NewWriter begins a sheet in the dialect of the results. A byte order mark comes
// first, without which spreadsheets do not read UTF-8.
func NewWriter(w io.Writer, of Results, t Table, list *source.List) (*Writer, error) {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, err
	}
	to := csvOutput{csv.NewWriter(w)}
	if d := list.Delimiter(); d != 0 {
		to.Comma = d
	}
	return newWriter(to, of, t, list, list.Prefixed())
}

// newWriter begins a sheet with its header.
func newWriter(to output, of Results, t Table, list *source.List, safe bool) (*Writer, error) {
	if err := checkColumns(list.Name(), t.Columns()); err != nil {
		return nil, err
	}
	s := &Writer{of: of, table: t, to: to, safe: safe, counts: map[count]int64{}}
	return s, s.to.row(append(ownColumns(), s.safely(t.Columns())...), nil)
}

// csvOutput is a sheet as CSV.
type csvOutput struct{ *csv.Writer }

func (o csvOutput) row(cells []string, _ []bool) error { return o.Write(cells) }

func (o csvOutput) close(map[count]int64) error {
	o.Flush()
	return o.Error()
}

// byteOrderMark is that of UTF-8.
const byteOrderMark = "\ufeff"

// Write adds a record that needs attention.
func (s *Writer) Write(rec *source.Record) error {
	problems, kind := "the row cannot be read", count{status: sink.Invalid}
	if res, ok := s.table.Result(rec); ok {
		kind = count{res.Status, res.ErrorCode}
		problems = string(res.Status) + ": " + res.ErrorMessage
		if res.ErrorMessage == "" {
			problems = string(res.Status) + ": " + res.ErrorCode
		}
	}
	s.cells = append(s.cells[:0], s.of.mark(rec.Row, s.table.Input(rec)), strconv.FormatInt(rec.Row, 10), problems)
	s.cells = append(s.cells, s.safely(s.table.Values(rec))...)
	s.Rows++
	s.counts[kind]++
	return s.to.row(s.cells, s.faults(rec))
}

// faults are the cells of a record that are at fault, as far as that is known.
func (s *Writer) faults(rec *source.Record) []bool {
	s.faulty = append(s.faulty[:0], make([]bool, len(s.cells))...)
	for _, p := range rec.Problems {
		for i := range s.table.Columns() {
			for _, field := range s.table.Fields(i) {
				if field == p.Field || p.Field == "" && slices.Contains(source.DetailNames(), field) {
					s.faulty[len(ownColumns())+i] = true
				}
			}
		}
	}
	return s.faulty
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
func (s *Writer) Close() error { return s.to.close(s.counts) }
