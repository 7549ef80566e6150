package fixes

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"bulkonboard/source"
	"bulkonboard/source/workbook"
)

// readBook reads a sheet that is a workbook.
func (s *Sheet) readBook(in *io.SectionReader, t Table) error {
	book, err := workbook.Open(in, in.Size(), func() (workbook.Scratch, error) {
		return nil, &source.ListError{Name: s.name, Reason: "the workbook has more text than a sheet of corrections can have", Hint: "give it as CSV, or in several parts"}
	})
	if err != nil {
		return s.noBook(err)
	}
	for _, one := range book.Sheets() {
		rows, err := book.Rows(one)
		if err != nil {
			return s.noBook(err)
		}
		header, err := nextFull(rows)
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return s.noBook(err)
		}
		names := textsOf(header)
		if !slices.Contains(names, markColumn) {
			continue
		}
		b := &bookReader{sheet: s, names: names}
		if err := s.bind(names, t.Columns()); err != nil {
			return err
		}
		return s.noBook(b.read(rows))
	}
	return s.wrong(1, "no sheet of the workbook has a column "+markColumn+" in its first row, so this is not a sheet of corrections")
}

// noBook is what is wrong with a workbook as what is wrong with a sheet.
func (s *Sheet) noBook(err error) error {
	var wrong *workbook.Error
	if errors.As(err, &wrong) {
		return &source.ListError{Name: s.name, Reason: wrong.Reason, Hint: wrong.Hint + "; nothing was sent"}
	}
	return err
}

// nextFull is the next row with something in it.
func nextFull(rows *workbook.Rows) (*workbook.Row, error) {
	for {
		row, err := rows.Next()
		if err != nil || strings.TrimSpace(strings.Join(textsOf(row), "")) != "" {
			return row, err
		}
	}
}

// textsOf are the texts of a row, by column.
func textsOf(row *workbook.Row) []string {
	var texts []string
	for _, c := range row.Cells {
		for len(texts) < c.Column {
			texts = append(texts, "")
		}
		texts[c.Column-1] = named(c.Text)
	}
	return texts
}

// bookReader reads the rows below a header.
type bookReader struct {
	sheet *Sheet
	names []string
}

func (b *bookReader) read(rows *workbook.Rows) error {
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.take(row); err != nil {
			return err
		}
	}
}

// take takes one row. Spreadsheet programs keep text as text where a cell is
// formatted so; another value may not be what somebody typed.
func (b *bookReader) take(from *workbook.Row) error {
	k := kept{Values: make([]string, len(b.sheet.columns))}
	var r row
	for _, c := range from.Cells {
		cell := fmt.Sprintf("%s%d", workbook.ColumnName(c.Column), from.Number)
		if c.Column > len(b.names) || b.names[c.Column-1] == "" {
			return b.sheet.wrong(from.Number, fmt.Sprintf("cell %s is in a column without a name", cell))
		}
		n := slices.Index(b.sheet.columns, b.names[c.Column-1])
		switch {
		case b.names[c.Column-1] == markColumn:
			r.Mark = c.Text
		case b.names[c.Column-1] == rowColumn:
			r.Row = c.Text
		case n < 0:
		case c.Kind == workbook.Inexact, c.Kind == workbook.Date, c.Kind == workbook.NoValue:
			return b.sheet.asNumber(from.Number, cell)
		default:
			if k.Values[n] = c.Text; c.Kind == workbook.Number || c.Kind == workbook.Bool {
				if k.Numbers == nil {
					k.Numbers = map[int]string{}
				}
				k.Numbers[n] = cell
			}
		}
	}
	return b.sheet.add(from.Number, r, &k)
}

// asNumber refuses a cell that may not have the value that somebody typed.
func (s *Sheet) asNumber(line int64, cell string) error {
	return s.wrong(line, fmt.Sprintf("cell %s is stored as a number, a date, a truth value or a formula, so its value may not be what was typed: format the cell as text, and type the value again", cell))
}

// becomes reports a text that a program stores as this number or truth when it
// takes it for one: 0501 as 501, 1.0 as 1, 12E4 as 120000, true as TRUE. Of a
// value that a workbook already stored as a number, the text is behind its mark.
func becomes(text, stored string) bool {
	if mark, behind, found := strings.Cut(text, "! "); found && strings.HasPrefix(mark, "#") {
		text = behind
	}
	if text = strings.TrimSpace(text); strings.EqualFold(text, stored) {
		return true
	}
	a, err := strconv.ParseFloat(text, 64)
	b, wrong := strconv.ParseFloat(stored, 64)
	return err == nil && wrong == nil && a == b
}
