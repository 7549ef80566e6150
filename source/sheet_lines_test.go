package source

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func TestNoLineInsideACellBecomesARowOfItsOwn(t *testing.T) {
	inside := "\nevil@example.com,,Eve,Row,,\n"
	wide := append(slices.Clone(people), "wide")
	for name, c := range map[string]struct {
		header, row []any
		code        string
	}{
		"as many lines as a row can have": {people, []any{"a@example.com", nil, "A", "B", nil, strings.Repeat("\n", maxRecordLines-3) + inside}, ""},
		"more lines":                      {people, []any{"a@example.com", nil, "A", "B", nil, strings.Repeat("\n", maxRecordLines-2) + inside}, "row_too_long"},
		"a value beyond the header":       {people, []any{"a@example.com", nil, "A", "B", nil, strings.Repeat("\n", maxCellLines) + inside, "x"}, "wrong_field_count"},
		"more bytes":                      {wide, []any{"a@example.com", nil, "A", "B", nil, strings.Repeat("\n", maxCellLines) + inside, "wide"}, "row_too_long"},
	} {
		t.Run(name, func(t *testing.T) {
			b := workbookOf(t, [][]any{c.header, c.row, {"b@example.com", "9.7E+11", "B", "B"}}, func(f *excelize.File) {
				for column := 8; c.row[len(c.row)-1] == "wide" && column < 8+maxRecord/30000; column++ {
					for row, text := range []string{fmt.Sprint("h", column), strings.Repeat(`"`, 30000)} {
						cell, err := excelize.CoordinatesToCellName(column, row+1)
						require.NoError(t, err)
						require.NoError(t, f.SetCellStr("Sheet1", cell, text))
					}
				}
			})
			l, err := openWorkbook(t, b, Options{})
			require.NoError(t, err)
			recs := collect(t, l)
			require.Len(t, recs, 2)
			if c.code == "" {
				assert.Empty(t, recs[0].Problems)
				assert.Equal(t, c.row[5], recs[0].Cells[5])
			} else {
				assert.Equal(t, []string{c.code}, codes(recs[0]))
				assert.NotContains(t, string(bytes.TrimSpace(recs[0].Raw)), "\n", "where the rejects are read, it stays one row")
			}
			assert.Contains(t, recs[1].Problems[0].Message, "cell B3: ")
		})
	}
}

func TestTheFirstRowWithTextIsTheHeaderWhateverItStates(t *testing.T) {
	good := []any{"a@example.com", "+971501234567", "A", "B"}
	for _, title := range []string{"sep=;", "#TYPE Customer"} {
		_, err := openWorkbook(t, workbookOf(t, [][]any{{title}, people, good}, nil), Options{})
		var wrong *ListError
		require.ErrorAs(t, err, &wrong)
		assert.Contains(t, wrong.Reason, "the header is in row 2")
	}
	l, err := openWorkbook(t, workbookOf(t, [][]any{nil, people, good}, func(f *excelize.File) { require.NoError(t, f.SetCellFormula("Sheet1", "A1", "1+1")) }), Options{})
	require.NoError(t, err)
	assert.Empty(t, collect(t, l)[0].Problems)
}
