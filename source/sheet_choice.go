package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bulkonboard/source/workbook"
)

// sampleRows is how many rows of a sheet are looked at to find out what its columns
// are like.
const sampleRows = 1000

// headRow is one of the first rows of a sheet that are not empty.
type headRow struct {
	number int64
	first  int // column that is not empty
	texts  []string
}

// choose finds the sheet that is the list: the sheet that is named, or the only one
// that is not hidden and not empty, or the first when no other can be a list.
func (s *sheet) choose(book *workbook.File, name string, m *mapping) error {
	chosen, err := s.chosen(book, name, m)
	if err != nil {
		return err
	}
	if err := s.sample(book, chosen); err != nil {
		return err
	}
	if len(s.head) == 0 {
		return &ListError{Reason: fmt.Sprintf("the sheet %q is empty", chosen.Name), Hint: strings.TrimSpace("check that this is the right workbook\n" + s.others)}
	}
	s.name = chosen.Name
	s.rows, err = book.Rows(chosen)
	return err
}

func (s *sheet) chosen(book *workbook.File, name string, m *mapping) (workbook.Sheet, error) {
	if name != "" {
		chosen, found := book.Sheet(name)
		if !found {
			return chosen, &ListError{Reason: fmt.Sprintf("the workbook has no sheet %q", name), Hint: "it has: " + sheetNames(book.Sheets()) + "; type --sheet NAME"}
		}
		return chosen, nil
	}
	var full, lists []workbook.Sheet
	for _, one := range book.Visible() {
		var look sheet
		if err := look.sample(book, one); err != nil {
			return one, err
		}
		if len(look.head) == 0 {
			continue
		}
		full = append(full, one)
		if m.fits((&List{}).named(look.head[0].texts)) {
			lists = append(lists, one)
		}
	}
	switch {
	case len(full) == 0:
		return workbook.Sheet{}, &ListError{Reason: "the workbook has no sheet with a list, or only hidden ones", Hint: "it has: " + sheetNames(book.Sheets()) + "; type --sheet NAME"}
	case len(lists) > 1, len(lists) == 1 && lists[0] != full[0]:
		return workbook.Sheet{}, &ListError{Reason: "the workbook has several sheets, and which of them is the list cannot be told", Hint: "type --sheet with one of: " + sheetNames(lists)}
	}
	if len(book.Sheets()) > 1 {
		s.others = "the workbook has these sheets: " + sheetNames(book.Sheets()) + "; to read another one, type --sheet NAME"
		s.notices.of("sheet", fmt.Sprintf("the sheet %q is read, and no other; the workbook has: %s", full[0].Name, sheetNames(book.Sheets())))
	}
	return full[0], nil
}

// sheetNames lists sheets for people.
func sheetNames(sheets []workbook.Sheet) string {
	names := make([]string, len(sheets))
	for i, s := range sheets {
		if names[i] = fmt.Sprintf("%q", s.Name); s.Hidden {
			names[i] += " (hidden)"
		}
	}
	return strings.Join(names, ", ")
}

// sample looks at the first rows of a sheet.
func (s *sheet) sample(book *workbook.File, of workbook.Sheet) error {
	rows, err := book.Rows(of)
	if err != nil {
		return err
	}
	s.head, s.zeros = nil, nil
	for range sampleRows {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if hasText(row) && len(s.head) <= titleLines {
			s.head = append(s.head, headOf(row))
		}
		s.sampleZeros(row)
	}
	return nil
}

// hasText reports a row that can be the header.
func hasText(row *workbook.Row) bool {
	return slices.ContainsFunc(row.Cells, func(c workbook.Cell) bool { return strings.TrimSpace(c.Text) != "" })
}

// isEmpty reports a row that is none of the list.
func isEmpty(row *workbook.Row) bool {
	return !hasText(row) && !slices.ContainsFunc(row.Cells, func(c workbook.Cell) bool { return c.Kind == workbook.NoValue })
}

func headOf(row *workbook.Row) headRow {
	h := headRow{number: row.Number}
	for _, c := range row.Cells {
		for len(h.texts) < c.Column {
			h.texts = append(h.texts, "")
		}
		if h.texts[c.Column-1] = c.Text; h.first == 0 && strings.TrimSpace(c.Text) != "" {
			h.first = c.Column
		}
	}
	return h
}

// sampleZeros remembers the columns in which texts of digits begin with a zero.
func (s *sheet) sampleZeros(row *workbook.Row) {
	for _, c := range row.Cells {
		if c.Kind != workbook.Text || c.Text[0] != '0' || !isDigits(c.Text) {
			continue
		}
		for len(s.zeros) < c.Column {
			s.zeros = append(s.zeros, 0)
		}
		s.zeros[c.Column-1] = max(s.zeros[c.Column-1], len(c.Text))
	}
}
