package fixes

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"bulkonboard/source"
)

// bookOf is the workbook of the rows of results that need attention.
func bookOf(t *testing.T, text string) []byte {
	t.Helper()
	table := tableOf(t, text)
	list := listOf(t, text)
	var b bytes.Buffer
	w, err := NewWorkbook(&b, ours, table, list, "bulkonboard retry results.csv --fixes fixes.xlsx")
	require.NoError(t, err)
	for rec, err := range list.Records() {
		require.NoError(t, err)
		if needed(table, rec) {
			require.NoError(t, w.Write(rec))
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// edited is a workbook that somebody has opened, changed and saved.
func edited(t testing.TB, book []byte, change func(f *excelize.File)) string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(book))
	require.NoError(t, err)
	change(f)
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	return b.String()
}

func appliedBook(t *testing.T, text, book string) (string, *Changes, error) {
	table := tableOf(t, text)
	s, err := Read(section(book), "fixes.xlsx", ours, table, true, new(memory))
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	changes, err := s.Apply(&out, listOf(t, text), table)
	return out.String(), changes, err
}

func TestAWorkbookThatIsNotEditedChangesNothing(t *testing.T) {
	for _, text := range []string{results, objects} {
		book := bookOf(t, text)
		out, changes, err := appliedBook(t, text, string(book))
		require.NoError(t, err)
		assert.Equal(t, text, out)
		assert.Zero(t, changes.Changed)
		assert.Positive(t, changes.Rows)
		out, changes, err = appliedBook(t, text, edited(t, book, func(*excelize.File) {}))
		require.NoError(t, err)
		assert.Equal(t, text, out, "saved by another program")
		assert.Zero(t, changes.Changed)
	}
}

func TestAWorkbookShowsWhatIsAtFaultAndKeepsTheRest(t *testing.T) {
	f, err := excelize.OpenReader(bytes.NewReader(bookOf(t, results)))
	require.NoError(t, err)
	assert.Equal(t, []string{rowsSheet, aboutSheet}, f.GetSheetList())
	rows, err := f.GetRows(rowsSheet)
	require.NoError(t, err)
	require.Greater(t, len(rows), 1)
	colored := 0
	for i, row := range rows {
		for k := range row {
			cell, err := excelize.CoordinatesToCellName(k+1, i+1)
			require.NoError(t, err)
			kind, err := f.GetCellType(rowsSheet, cell)
			require.NoError(t, err)
			assert.Equal(t, excelize.CellTypeInlineString, kind, cell)
			number, err := f.GetCellStyle(rowsSheet, cell)
			require.NoError(t, err)
			style, err := f.GetStyle(number)
			require.NoError(t, err)
			assert.Equal(t, textFormat, style.NumFmt, cell)
			own := i == 0 || k < len(ownColumns())
			assert.Equal(t, own, style.Protection == nil || style.Protection.Locked, "%s: only the values may be changed", cell)
			if len(style.Fill.Color) > 0 && strings.HasSuffix(style.Fill.Color[0], "FFC7CE") {
				colored++
			}
		}
	}
	assert.Positive(t, colored)
	about, err := f.GetRows(aboutSheet)
	require.NoError(t, err)
	said := ""
	for _, row := range about {
		said += strings.Join(row, " ") + "\n"
	}
	assert.Contains(t, said, "bulkonboard retry results.csv --fixes fixes.xlsx")
	assert.Contains(t, said, "invalid invalid_customer_email 1")
}

// cellOf is the cell of a column in a row of the sheet.
func cellOf(t testing.TB, f *excelize.File, column string, row int) string {
	t.Helper()
	rows, err := f.GetRows(rowsSheet)
	require.NoError(t, err)
	for i, name := range rows[0] {
		if name == column {
			cell, err := excelize.CoordinatesToCellName(i+1, row)
			require.NoError(t, err)
			return cell
		}
	}
	t.Fatalf("no column %s", column)
	return ""
}

func TestAWorkbookIsReadWithItsCorrectionsAndNothingElse(t *testing.T) {
	out, changes, err := appliedBook(t, results, edited(t, bookOf(t, results), func(f *excelize.File) {
		require.NoError(t, f.SetCellStr(rowsSheet, cellOf(t, f, "customerEmail", 2), "bob@example.com"))
	}))
	require.NoError(t, err)
	assert.EqualValues(t, 1, changes.Changed)
	assert.Contains(t, out, "bob@example.com")
	for line := range strings.Lines(results) {
		if !strings.Contains(line, "bob@example") {
			assert.Contains(t, out, line)
		}
	}
}

func TestAValueThatAProgramMayHaveChangedIsRefusedWithItsCell(t *testing.T) {
	text := strings.ReplaceAll(strings.Replace(results, "note,", "phone,", 1), "\"two\nlines\"", "00971501234567")
	for name, change := range map[string]func(f *excelize.File, cell string) error{
		"zeros that are lost":   func(f *excelize.File, cell string) error { return f.SetCellValue(rowsSheet, cell, 971501234567) },
		"digits that are lost":  func(f *excelize.File, cell string) error { return f.SetCellValue(rowsSheet, cell, 97150123456789000) },
		"a formula, not a text": func(f *excelize.File, cell string) error { return f.SetCellFormula(rowsSheet, cell, "1+1") },
	} {
		_, _, err := appliedBook(t, text, edited(t, bookOf(t, text), func(f *excelize.File) {
			require.NoError(t, change(f, cellOf(t, f, "phone", 2)))
		}))
		var wrong *source.ListError
		require.ErrorAs(t, err, &wrong, name)
		assert.Contains(t, wrong.Reason, "cell H2 is stored as a number", name)
		assert.Contains(t, wrong.Hint, "nothing was sent")
	}
	for was, stored := range map[string]any{"1.0": 1, "12E4": 120000, "+7": 7, "true": true, "#ZEROS! 501234567": 501234567} {
		text := strings.Replace(text, "00971501234567", was, 1)
		_, _, err := appliedBook(t, text, edited(t, bookOf(t, text), func(f *excelize.File) {
			require.NoError(t, f.SetCellValue(rowsSheet, cellOf(t, f, "phone", 2), stored))
		}))
		require.ErrorContains(t, err, "cell H2 is stored as a number", was)
	}
	out, _, err := appliedBook(t, text, edited(t, bookOf(t, text), func(f *excelize.File) {
		require.NoError(t, f.SetCellValue(rowsSheet, cellOf(t, f, "phone", 2), 4791234567))
	}))
	require.NoError(t, err, "another number was typed")
	assert.Contains(t, out, "4791234567")
}

func TestAWorkbookOfSomethingElseIsRefused(t *testing.T) {
	f := excelize.NewFile()
	require.NoError(t, f.SetCellStr("Sheet1", "A1", "customerEmail"))
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	_, _, err := appliedBook(t, results, b.String())
	require.ErrorContains(t, err, "no sheet of the workbook has a column fixMark")
	_, _, err = appliedBook(t, results, "PK\x03\x04 and no more")
	require.ErrorAs(t, err, new(*source.ListError))
	_, _, err = appliedBook(t, results, edited(t, bookOf(t, results), func(f *excelize.File) {
		require.NoError(t, f.SetCellStr(rowsSheet, "A2", "fix-other-mark"))
	}))
	require.ErrorContains(t, err, "mark of other results")
}

// failing takes some bytes and no more.
type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("no space left")
	}
	return len(b), nil
}

func TestAWorkbookThatCannotBeWrittenIsAnError(t *testing.T) {
	list := listOf(t, results)
	whole := len(bookOf(t, results))
	for room := 0; room < whole; room += 1 + whole/20 {
		w, err := NewWorkbook(&failing{room}, ours, tableOf(t, results), list, "")
		if err == nil {
			err = w.Close()
		}
		if room < whole/2 {
			assert.Error(t, err, room)
		}
	}
	w, err := NewWorkbook(new(bytes.Buffer), ours, tableOf(t, results), list, "")
	require.NoError(t, err)
	w.cells = []string{strings.Repeat("x", mostCellText+1)}
	var wrong *source.ListError
	require.ErrorAs(t, w.to.row(w.cells, nil), &wrong)
	assert.Contains(t, wrong.Hint, "name a file that ends with .csv")
}
