package source

import (
	"slices"
	"strings"

	"bulkonboard/source/workbook"
)

// sheet is the sheet of a workbook that is read as CSV.
type sheet struct {
	name   string
	rows   *workbook.Rows
	head   []headRow // the first rows that are not empty; the header, most often
	others string    // what to do when another sheet is meant

	width int             // columns of the header
	uses  [][]field       // by column: the fields that are read from it
	zeros []int           // by column: the longest text of digits that begins with a zero, among the first rows
	line  int64           // lines that are written
	out   strings.Builder // that are not given out, from out[from] on
	from  int

	notices *notices
	err     error // that reading ended with
}

// bind says which fields are read from which column. Until then only the header
// may be read.
func (s *sheet) bind(at *columnNumbers) {
	s.uses = make([][]field, s.width)
	for f, column := range at {
		if column > 0 {
			s.uses[column-1] = append(s.uses[column-1], field(f))
		}
	}
}

// pieceBytes is how much CSV is made at once.
const pieceBytes = 32 << 10

// Read implements io.Reader. The first piece ends with the header.
func (s *sheet) Read(b []byte) (int, error) {
	if s.from == s.out.Len() {
		if s.err != nil {
			return 0, s.err
		}
		s.out.Reset()
		s.from = 0
		if s.width == 0 {
			s.err = s.writeHeader()
		} else {
			s.err = s.writeRows()
		}
		s.err = sheetError(s.err)
	}
	n := copy(b, s.out.String()[s.from:])
	s.from += n
	return n, nil
}

func (s *sheet) writeHeader() error {
	s.out.WriteString(utf8Mark)
	for {
		row, err := s.rows.Next()
		if err != nil {
			return err
		}
		if !hasText(row) {
			continue
		}
		s.width = len(s.head[0].texts)
		if s.rows.HiddenColumns > 0 {
			s.notices.of("hidden_columns", columnsText(s.rows.HiddenColumns)+" of the sheet hidden, and read like all others")
		}
		s.write(row)
		return nil
	}
}

// writeRows makes a piece of CSV.
func (s *sheet) writeRows() error {
	for s.out.Len() < pieceBytes {
		row, err := s.rows.Next()
		if err != nil {
			s.sayMerged()
			return err
		}
		if !isEmpty(row) {
			s.say(row)
			s.write(row)
		}
	}
	return nil
}

// say counts what a person should know of a row.
func (s *sheet) say(row *workbook.Row) {
	if row.Hidden {
		s.notices.count("hidden_rows", "rows that are hidden in the sheet: they are read like all others", row.Number)
	}
	for i := range row.Cells {
		if row.Cells[i].Formula && row.Cells[i].Column <= s.width {
			s.notices.count("formulas", "rows with formulas: their values are read as they were when the workbook was last saved", row.Number)
			return
		}
	}
}

// tooManyLines stands behind the cells of a row that has more than maxRecordLines.
const tooManyLines = "#LINES!"

// lineBreaks writes line breaks as they can stand in one line.
var lineBreaks = strings.NewReplacer("\r", `\r`, "\n", `\n`)

// sayMerged tells of merged cells, which look as if each of them had the value.
func (s *sheet) sayMerged() {
	for _, row := range s.rows.Merged {
		s.notices.count("merged_cells", "merged cells in the sheet: the value that is shown is read in the first of them, and the others are empty or have values that are not shown; unmerge them, and enter the value in each", row)
	}
}

// spread is how large a row is as CSV, at most, and whether it has a value where
// the header has no column.
func (s *sheet) spread(row *workbook.Row) (lines, size int, outside bool) {
	const around = 16 // a mark, quotes and a delimiter
	lines, size = 1, s.width
	for i := range row.Cells {
		c := &row.Cells[i]
		lines += strings.Count(c.Text, "\n")
		size += around + len(c.Text) + strings.Count(c.Text, `"`)
		outside = outside || s.width > 0 && c.Column > s.width && c.Text != ""
	}
	return lines, size, outside
}

// write writes a row, behind an empty line for each row above it that is empty. A
// row that is bad as a whole is written in one line: the lines in its cells would
// be taken for rows of their own, as those behind a stray quote are.
func (s *sheet) write(row *workbook.Row) {
	for s.line++; s.line < row.Number; s.line++ {
		s.out.WriteString(sheetLineEnd)
	}
	lines, size, outside := s.spread(row)
	if outside || lines > maxRecordLines || size > maxRecord {
		for i := range row.Cells {
			row.Cells[i].Text = lineBreaks.Replace(row.Cells[i].Text)
		}
	}
	s.cells(row)
	if lines > maxRecordLines {
		s.out.WriteString(string(sheetDelimiter) + tooManyLines)
	}
	s.out.WriteString(sheetLineEnd)
}

// cells writes the cells of a row: as many as the header has, and those behind
// them that have a value.
func (s *sheet) cells(row *workbook.Row) {
	cells := row.Cells
	for column := 1; column <= s.width || len(cells) > 0; column++ {
		if column > 1 {
			s.out.WriteByte(sheetDelimiter)
		}
		if len(cells) > 0 && cells[0].Column == column {
			s.cell(s.text(&cells[0], row.Number))
			cells = cells[1:]
		}
		for len(cells) > 0 && column >= s.width && cells[0].Text == "" {
			cells = cells[1:]
		}
	}
}

// cell writes one value, quoted where that must be.
func (s *sheet) cell(text string) {
	if !strings.ContainsAny(text, "\",\r\n") {
		s.out.WriteString(text)
		return
	}
	s.out.WriteByte('"')
	s.out.WriteString(strings.ReplaceAll(text, `"`, `""`))
	s.out.WriteByte('"')
}

// text is the value of a cell: its text as it is shown. In a column that is sent, a
// text with a mark stands for what is not what somebody typed.
func (s *sheet) text(c *workbook.Cell, row int64) string {
	if c.Column > len(s.uses) || len(s.uses[c.Column-1]) == 0 {
		if c.Kind == workbook.Inexact && isLong(c.Text) {
			s.notices.count("numbers_copied", "rows with numbers of 16 digits and more, or in scientific notation, in columns that are not sent: spreadsheets lose their last digits, and the results have what is left", row)
		}
		return c.Text
	}
	switch c.Kind {
	case workbook.Inexact:
		return string(numberDigits) + c.Text
	case workbook.Date:
		return string(numberDate) + c.Text
	case workbook.NoValue:
		return strings.TrimSpace(string(formulaEmpty))
	case workbook.Bool:
		if !s.isYesOrNo(c.Column) {
			return string(cellTruth) + c.Text
		}
	case workbook.Number:
		return s.number(c, row)
	}
	return c.Text
}

// isLong reports a number that a spreadsheet has not kept as it was typed.
func isLong(number string) bool {
	const most = 15
	return len(number) > most && isDigits(unsigned(number)) || isRounded(number)
}

// isYesOrNo reports a column in which a number and a truth value are what they are.
func (s *sheet) isYesOrNo(column int) bool {
	return !slices.ContainsFunc(s.uses[column-1], func(f field) bool { return f != sendEmail })
}

// shortestMobile is how many digits a mobile number has at least with the code of
// its country, as it must where it has lost its leading zero.
const shortestMobile = 10

// number is a cell with digits that can be trusted, but for zeros before them.
func (s *sheet) number(c *workbook.Cell, row int64) string {
	if s.isYesOrNo(c.Column) || !isDigits(c.Text) || c.Text[0] == '0' && c.Text != "0" {
		return c.Text
	}
	if isRoundedBefore(c.Text) {
		return string(numberDigits) + c.Text
	}
	mobile := slices.Contains(s.uses[c.Column-1], customerMobileNumber)
	if c.Text == "0" || c.Column <= len(s.zeros) && len(c.Text) < s.zeros[c.Column-1] || mobile && len(c.Text) < shortestMobile {
		return string(numberZeros) + c.Text
	}
	if mobile {
		s.notices.count("numbers_for_mobile", "mobile numbers that are stored as numbers: what stood before their digits, + or zeros, is lost; format the column as text to keep it", row)
	} else {
		s.notices.count("numbers_for_text", "rows with other values that are stored as numbers: zeros that stood before their digits are lost; format the column as text to keep them", row)
	}
	return c.Text
}

// isRoundedBefore reports a number that was read from scientific notation: it shows
// six digits of twelve and more.
func isRoundedBefore(digits string) bool {
	const shown, fewest = 6, 12
	return len(digits) >= fewest && strings.Trim(digits[shown:], "0") == ""
}
