package source

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

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
		"shown as a telephone number":    {971501234567, `\+000\ 00\ 0000000`, "", "+971 50 1234567"},
		"shown in powers of a thousand":  {971501234567, "##0.0E+0", "number_digits_lost", "#NUMBER! 971501234567"},
		"typed in scientific notation":   {971501000000, "", "number_digits_lost", "#NUMBER! 971501000000"},
		"with a point":                   {971501234567.1, "", "number_digits_lost", "#NUMBER! 971501234567.1"},
		"a zero, or several":             {0, "", "number_zeros_lost", "#ZEROS! 0"},
		"the word true":                  {true, "", "truth_value", "#TRUTH! TRUE"},
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

// What programs have lost of a number that is left cannot be seen, so the forecast
// says where there are numbers.
func TestNumbersInColumnsOfTextAreSaid(t *testing.T) {
	rows := [][]any{
		{"customerEmail", "fullName", "tradingName", "registrationNumber", "customerMobileNumber", "sendEmail", "account"},
		{"a@example.com", "Acme", "Acme", 12345, "+971501234567", true, 12.5},
		{"b@example.com", "Acme", "Acme", "HRB 1", 971501234567, 1, 1234567890123456},
		{"c@example.com", "Acme", "Acme", "HRB 2", "", 0, "1234567890123456"},
		{"d@example.com", "Acme", "Acme", "HRB 3", "", false, 971501234567},
	}
	l, err := openWorkbook(t, workbookOf(t, rows, func(f *excelize.File) { styled(t, f, "G5", "0.00E+00") }), Options{})
	require.NoError(t, err)
	sent := []string{}
	for _, rec := range collect(t, l) {
		assert.Empty(t, rec.Problems)
		sent = append(sent, rec.Customer.SendEmail)
	}
	assert.Equal(t, []string{"true", "true", "false", "false"}, sent)
	for code, want := range map[string][]int64{"numbers_for_text": {2}, "numbers_for_mobile": {3}, "numbers_copied": {3, 5}} {
		lines, found := noticed(l, code)
		assert.True(t, found, code)
		assert.Equal(t, want, lines, code)
	}
}
