package source

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// workbookOf makes a workbook of rows, and gives it to somebody to spoil.
func workbookOf(t testing.TB, rows [][]any, spoil func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		for k, value := range row {
			if value == nil {
				continue
			}
			name, err := excelize.CoordinatesToCellName(k+1, i+1)
			require.NoError(t, err)
			require.NoError(t, f.SetCellValue("Sheet1", name, value))
		}
	}
	if spoil != nil {
		spoil(f)
	}
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	return b.Bytes()
}

// scratches makes scratch files and counts those that are open.
type scratches struct {
	t    testing.TB
	open int
}

type counted struct {
	*os.File
	of *scratches
}

func (c counted) Close() error {
	c.of.open--
	return c.File.Close()
}

func (s *scratches) make() (Scratch, error) {
	file, err := os.CreateTemp(s.t.TempDir(), "")
	s.open++
	return counted{file, s}, err
}

func openWorkbook(t testing.TB, b []byte, o Options) (*List, error) {
	s := &scratches{t: t}
	o.Scratch = s.make
	l, err := Open(bytes.NewReader(b), o)
	if err != nil {
		require.Zero(t, s.open, "who opens, closes")
		return nil, err
	}
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		require.Zero(t, s.open)
	})
	return l, nil
}

var people = []any{"customerEmail", "customerMobileNumber", "firstName", "lastName", "registrationNumber", "note"}

func styled(t testing.TB, f *excelize.File, cell, code string) {
	t.Helper()
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
	require.NoError(t, err)
	require.NoError(t, f.SetCellStyle("Sheet1", cell, cell, style))
}

// Each workbook has the header in row 1, and a row 2 whose cell B2 is spoilt.
func TestHostileCellsAreSentAsTheyAreOrMakeTheirRowInvalidByName(t *testing.T) {
	for name, c := range map[string]struct {
		mobile any
		format string
		code   string // "" for a valid row
		value  string // that is sent, or that is in the results
	}{
		"text":                           {"+971501234567", "", "", "+971501234567"},
		"text of digits":                 {"00971501234567", "", "", "00971501234567"},
		"a whole number":                 {971501234567, "", "", "971501234567"},
		"15 digits":                      {971501234567890, "", "", "971501234567890"},
		"16 digits":                      {9715012345678901, "", "number_digits_lost", "#NUMBER! 9715012345678901"},
		"17 digits that end with zeros":  {97150123456789000, "", "number_digits_lost", "#NUMBER! 97150123456789000"},
		"shown in scientific notation":   {971501234567, "0.00E+00", "number_digits_lost", "#NUMBER! 9.72E+11"},
		"shown with separators":          {971501234567, "#,##0", "number_digits_lost", "#NUMBER! 971,501,234,567"},
		"shown as money":                 {971501234567, `"AED" 0.00`, "number_digits_lost", "#NUMBER! AED 971501234567.00"},
		"shown with its zeros":           {501234567, "0000000000", "", "0501234567"},
		"without its zero":               {501234567, "", "number_zeros_lost", "#ZEROS! 501234567"},
		"a date":                         {time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "yyyy-mm-dd", "number_is_date", "#DATE! 2026-01-31"},
		"a date of the country":          {46053, "mm-dd-yy", "number_is_date", "#DATE! 01-31-26"},
		"a time":                         {0.5, "hh:mm", "number_is_date", "#DATE! 12:00"},
		"text in scientific notation":    {"9.71501E+11", "", "rounded_number", "9.71501E+11"},
		"text that was a number":         {"971501234567.0", "", "decimal_number", "971501234567.0"},
		"text that is an error":          {"#N/A", "", "spreadsheet_error", "#N/A"},
		"text that is too narrow":        {"########", "", "column_too_narrow", "########"},
		"a zero-width space":             {"+9715\u200b01234567", "", "invisible_character", "+9715\u200b01234567"},
		"a mark of direction":            {"\u202a+971501234567\u202c", "", "direction_character", "\u202a+971501234567\u202c"},
		"a line break":                   {"+971\n501234567", "", "control_character", "+971\n501234567"},
		"an apostrophe before a formula": {"'+971501234567", "", "formula_prefix", "'+971501234567"},
	} {
		t.Run(name, func(t *testing.T) {
			b := workbookOf(t, [][]any{people, {"a@example.com", c.mobile, "A", "B"}}, func(f *excelize.File) {
				if c.format != "" {
					styled(t, f, "B2", c.format)
				}
			})
			l, err := openWorkbook(t, b, Options{})
			require.NoError(t, err)
			recs := collect(t, l)
			require.Len(t, recs, 1)
			assert.Equal(t, c.value, recs[0].Cells[1])
			if c.code == "" {
				assert.Empty(t, recs[0].Problems)
				assert.Equal(t, c.value, recs[0].Customer.MobileNumber)
				return
			}
			require.Equal(t, []string{c.code}, codes(recs[0]))
			assert.Contains(t, recs[0].Problems[0].Message, "cell B2: customerMobileNumber ")
			assert.Regexp(t, "again|widen|correct|take it away|such as a line break", recs[0].Problems[0].Message, "what to do about it")
		})
	}
}

func TestHostileWorkbooksAreReadOrRefusedWithWhereAndWhatToDo(t *testing.T) {
	good := []any{"a@example.com", "+971501234567", "A", "B"}
	for name, c := range map[string]struct {
		rows         [][]any
		spoil        func(f *excelize.File)
		o            Options
		reason, hint string
	}{
		"titles above the header":       {[][]any{{"Customers"}, nil, {nil, "of June"}, people, good}, nil, Options{}, "the header is in row 4, and above it are rows that are no part of the list, such as a title (cell A1)", "delete rows 1 to 3"},
		"no header":                     {[][]any{good}, nil, Options{}, `sheet "Sheet1", row 1: `, "put a header line first"},
		"a header that lacks something": {[][]any{{"E-mail", "firstName", "lastName"}}, nil, Options{}, `row 1: the header lacks customerEmail`, "--map customerEmail=E-mail"},
		"two columns of one name":       {[][]any{{"customerEmail", "firstName", "lastName", "Firstname"}}, nil, Options{}, `the columns 2 "firstName" and 4 "Firstname" are the same`, "rename"},
		"nothing":                       {nil, nil, Options{}, "no sheet with a list", `"Sheet1"`},
		"a sheet that is not there":     {[][]any{people, good}, nil, Options{Sheet: "Customers"}, `no sheet "Customers"`, `"Sheet1"`},
		"two lists": {[][]any{people, good}, func(f *excelize.File) {
			index, err := f.NewSheet("July")
			require.NoError(t, err)
			require.NoError(t, f.CopySheet(0, index))
		}, Options{}, "which of them is the list cannot be told", `"Sheet1", "July"`},
		"the list behind notes": {[][]any{{"read me"}}, func(f *excelize.File) {
			_, err := f.NewSheet("People")
			require.NoError(t, err)
			for i, value := range people {
				name, _ := excelize.CoordinatesToCellName(i+1, 1)
				require.NoError(t, f.SetCellValue("People", name, value))
			}
		}, Options{}, "which of them is the list cannot be told", `--sheet with one of: "People"`},
		"only a hidden sheet has rows": {nil, func(f *excelize.File) {
			_, err := f.NewSheet("People")
			require.NoError(t, err)
			require.NoError(t, f.SetCellValue("People", "A1", "customerEmail"))
			require.NoError(t, f.SetSheetVisible("People", false))
		}, Options{}, "no sheet with a list, or only hidden ones", `"People" (hidden)`},
		"an encoding":    {[][]any{people, good}, nil, Options{Encoding: "windows-1252"}, "the list is a workbook", "leave them out"},
		"a delimiter":    {[][]any{people, good}, nil, Options{Delimiter: ';'}, "the list is a workbook", "leave them out"},
		"taken for JSON": {[][]any{people, good}, nil, Options{Format: FormatJSONL}, "the list is a workbook", "leave them out"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openWorkbook(t, workbookOf(t, c.rows, c.spoil), c.o)
			var wrong *ListError
			require.ErrorAs(t, err, &wrong)
			assert.Contains(t, wrong.Reason, c.reason)
			assert.Contains(t, wrong.Hint, c.hint)
		})
	}
	for name, text := range map[string]string{"an old workbook": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "another archive": WorkbookMagic + "rest"} {
		_, err := openWorkbook(t, []byte(text), Options{})
		require.ErrorAs(t, err, new(*ListError), name)
	}
	wrong := openRefused(t, header, Options{Sheet: "List"})
	assert.Contains(t, wrong.Reason, "--sheet names a sheet of a workbook")
}

func TestRowsOfASheetAreReadWithTheirNumbers(t *testing.T) {
	b := workbookOf(t, [][]any{
		nil, people, nil,
		{"a@example.com", "+971501234567", "A, \"B\"", "é\r\n上", nil, 45000.5},
		{nil, nil, nil, nil, nil, nil, nil},
		{"b@example.com", "x\u200b", "B", "B", nil, 12345678901234567, "outside"},
		{" ", "  "},
		{"c@example.com", nil, "C", "C", nil, "two\nlines"},
		{"d@example.com", "9.7E+11", "D", "D"},
	}, func(f *excelize.File) {
		require.NoError(t, f.SetRowVisible("Sheet1", 8, false))
		require.NoError(t, f.SetColVisible("Sheet1", "D", false))
		require.NoError(t, f.SetCellFormula("Sheet1", "F9", "1+1"))
		require.NoError(t, f.MergeCell("Sheet1", "E8", "E9"))
		require.NoError(t, f.MergeCell("Sheet1", "E4", "E6"))
		_, err := f.NewSheet("Notes")
		require.NoError(t, err)
		require.NoError(t, f.SetCellValue("Notes", "A1", "call them"))
	})
	l, err := openWorkbook(t, b, Options{})
	require.NoError(t, err)
	assert.Equal(t, "Sheet1", l.Sheet())
	recs := collect(t, l)
	require.Len(t, recs, 4)
	lines := []int64{}
	for i, rec := range recs {
		lines = append(lines, rec.Line)
		assert.EqualValues(t, i+1, rec.Row)
	}
	assert.Equal(t, []int64{4, 6, 8, 9}, lines)
	assert.Equal(t, []string{"a@example.com", "+971501234567", `A, "B"`, "é\r\n上", "", "45000.5"}, recs[0].Cells)
	assert.Equal(t, []string{"control_character"}, codes(recs[0]))
	assert.Contains(t, recs[0].Problems[0].Message, "cell D4: ")
	assert.Equal(t, []string{"wrong_field_count"}, codes(recs[1]))
	assert.Contains(t, recs[1].Problems[0].Message, "row 6 of the sheet: ")
	assert.Empty(t, recs[2].Problems)
	assert.Contains(t, recs[3].Problems[0].Message, "cell B9: ")
	for code, want := range map[string][]int64{"hidden_rows": {8}, "formulas": {9}, "merged_cells": {8, 4}, "hidden_columns": nil, "sheet": nil, "type_follows": nil} {
		lines, found := noticed(l, code)
		assert.True(t, found, code)
		assert.Equal(t, want, lines, code)
	}
	assert.InDelta(t, 1, l.SheetShare(), 0.001)
}

func TestANumberInAColumnOfTextsWithZerosHasLostItsOwn(t *testing.T) {
	rows := [][]any{people}
	for i := range 30 {
		var registration any = fmt.Sprintf("%08d", 417+i)
		switch i {
		case 10:
			registration = 427
		case 11:
			registration = 12345678
		}
		rows = append(rows, []any{fmt.Sprintf("c%d@example.com", i), nil, nil, nil, registration})
	}
	rows[0] = []any{"customerEmail", "fullName", "tradingName", "note", "registrationNumber"}
	for _, row := range rows[1:] {
		row[1], row[2] = "Acme", "Acme"
	}
	l, err := openWorkbook(t, workbookOf(t, rows, nil), Options{})
	require.NoError(t, err)
	for i, rec := range collect(t, l) {
		if i == 10 {
			assert.Equal(t, []string{"number_zeros_lost"}, codes(rec))
			assert.Contains(t, rec.Problems[0].Message, "cell E12: ")
			continue
		}
		assert.Empty(t, rec.Problems, i)
	}
}

func TestAFormulaWithoutAValueMakesItsRowInvalid(t *testing.T) {
	b := workbookOf(t, [][]any{people, {"a@example.com", nil, "A", "B"}}, func(f *excelize.File) {
		require.NoError(t, f.SetCellFormula("Sheet1", "B2", `CONCAT("+971",1)`))
	})
	l, err := openWorkbook(t, b, Options{})
	require.NoError(t, err)
	recs := collect(t, l)
	assert.Equal(t, []string{"formula_without_value"}, codes(recs[0]))
	assert.Contains(t, recs[0].Problems[0].Message, "cell B2: ")
}

func TestAWorkbookIsReadAgainFromAnyPlaceAndInParts(t *testing.T) {
	rows := [][]any{nil, people}
	for i := range 300 {
		row := []any{fmt.Sprintf("c%d@example.com", i), "+9715", "A", "B", nil, "x\ny"}
		switch {
		case i%7 == 0:
			row[1] = 501234567
		case i%11 == 0:
			row = nil
		}
		rows = append(rows, row)
	}
	b := workbookOf(t, rows, nil)
	var plain bytes.Buffer
	l, err := openWorkbook(t, b, Options{Copy: &plain})
	require.NoError(t, err)
	whole := collect(t, l)
	assert.True(t, strings.HasPrefix(plain.String(), string(l.HeaderRaw())))
	for i := 0; i < len(whole)-1; i += 37 {
		from := whole[i].Next
		again, err := openWorkbook(t, b, Options{})
		require.NoError(t, err)
		rest := slices.Collect(func(yield func(*Record) bool) {
			for rec, err := range again.RecordsFrom(from) {
				require.NoError(t, err)
				if !yield(rec) {
					return
				}
			}
		})
		require.Equal(t, whole[i+1:], rest)

		part, err := Open(strings.NewReader(string(l.HeaderRaw())+plain.String()[from.Offset:]), Options{
			Format: FormatCSV, Encoding: l.Encoding(), Delimiter: l.Delimiter(), Part: &Part{Begins: from, LineEnd: l.LineEnd()}, SheetRows: true,
		})
		require.NoError(t, err)
		cut := collect(t, part)
		require.Len(t, cut, len(rest))
		for k := range cut {
			require.Equal(t, rest[k].Problems, cut[k].Problems)
			require.Equal(t, []int64{rest[k].Row, rest[k].Line, rest[k].Offset}, []int64{cut[k].Row, cut[k].Line, cut[k].Offset})
		}
	}
	excerpt := l.Excerpt(ExcerptState{})
	out := excerpt.Header(nil)
	for _, rec := range whole[:9] {
		out = excerpt.Append(out, rec)
	}
	rejected, err := Open(bytes.NewReader(out), Options{})
	require.NoError(t, err)
	for i, rec := range collect(t, rejected) {
		assert.Equal(t, whole[i].Cells, rec.Cells, "rejects are a list again")
		assert.Equal(t, codes(whole[i]), codes(rec))
	}
}

func TestAWorkbookThatIsDamagedInTheMiddleEndsReading(t *testing.T) {
	rows := [][]any{people}
	for i := range 3000 {
		rows = append(rows, []any{fmt.Sprintf("c%d@example.com", i), "+9715", "A", "B"})
	}
	b := workbookOf(t, rows, nil)
	damaged := replacePart(t, b, "xl/worksheets/sheet1.xml", func(text []byte) []byte { return text[:len(text)*2/3] })
	l, err := openWorkbook(t, damaged, Options{})
	require.NoError(t, err)
	read, last := 0, error(nil)
	for _, err := range l.Records() {
		if last = err; err == nil {
			read++
		}
	}
	assert.Greater(t, read, 1000)
	require.ErrorAs(t, last, new(*ListError))
	assert.ErrorContains(t, last, "damaged")
}

// replacePart changes one part of a workbook.
func replacePart(t testing.TB, b []byte, name string, change func([]byte) []byte) []byte {
	in, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range in.File {
		r, err := part.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		if part.Name == name {
			text = change(text)
		}
		to, err := w.Create(part.Name)
		require.NoError(t, err)
		_, err = to.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestAWorkbookWithoutAPlaceForItsCopyIsRefused(t *testing.T) {
	wrong := openRefused(t, string(workbookOf(t, [][]any{people}, nil)), Options{})
	assert.Contains(t, wrong.Reason, "workbook")
	_, err := Open(bytes.NewReader(workbookOf(t, [][]any{people}, nil)), Options{Scratch: func() (Scratch, error) { return nil, os.ErrPermission }})
	require.ErrorIs(t, err, os.ErrPermission)
	_, err = os.Stat(filepath.Join(t.TempDir(), "excelize"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
