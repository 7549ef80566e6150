package source

import (
	"bytes"
	"os"
	"testing"

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

func TestHostileWorkbooksAreReadOrRefusedWithWhereAndWhatToDo(t *testing.T) {
	good := []any{"a@example.com", "+971501234567", "A", "B"}
	for name, c := range map[string]struct {
		rows         [][]any
		spoil        func(f *excelize.File)
		o            Options
		reason, hint string
	}{
		"titles above the header":       {[][]any{{"Customers"}, nil, {nil, "of June"}, people, good}, nil, Options{}, "the header is in row 4, and above it are rows that are not part of the list, such as a title (cell A1)", "delete rows 1 to 3"},
		"a column without a name":       {[][]any{{nil, "customerEmail", "firstName", "lastName"}}, nil, Options{}, `cell A1 is empty, and the header must have a name for each of its columns`, "type a name"},
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
	assert.Contains(t, wrong.Reason, "the list is not a workbook, and has no sheets")
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
	assert.Contains(t, recs[1].Problems[0].Message, "row 6 of the sheet: cell G6 has a value")
	assert.Empty(t, recs[2].Problems)
	assert.Contains(t, recs[3].Problems[0].Message, "cell B9: ")
	for code, want := range map[string][]int64{"hidden_rows": {8}, "formulas": {9}, "merged_cells": {8, 4}, "hidden_columns": nil, "sheet": nil, "type_follows": nil} {
		lines, found := noticed(l, code)
		assert.True(t, found, code)
		assert.Equal(t, want, lines, code)
	}
	assert.InDelta(t, 1, l.SheetShare(), 0.001)
}
