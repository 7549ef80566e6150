package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// memory is a Scratch.
type memory struct{ bytes.Buffer }

func (m *memory) ReadAt(b []byte, at int64) (int, error) {
	n := copy(b, m.Bytes()[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func openBytes(b []byte) (*File, error) {
	return Open(bytes.NewReader(b), int64(len(b)), func() (Scratch, error) { return &memory{}, nil })
}

// made is a workbook that excelize has written.
func made(t testing.TB, make func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	make(f)
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	return b.Bytes()
}

// zipped is a workbook with one sheet whose rows are XML, and shared strings.
func zipped(t testing.TB, rows string, shared ...string) []byte {
	t.Helper()
	parts := map[string]string{
		"[Content_Types].xml":        `<Types/>`,
		"_rels/.rels":                `<Relationships><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="List" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
		"xl/sharedStrings.xml":       `<sst>` + strings.Join(shared, "") + `</sst>`,
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		part, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(part, text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// rowsOf reads the first sheet.
func rowsOf(b []byte) ([]Row, error) {
	f, err := openBytes(b)
	if err != nil {
		return nil, err
	}
	if len(f.Sheets()) == 0 {
		return nil, nil
	}
	rows, err := f.Rows(f.Sheets()[0])
	if err != nil {
		return nil, err
	}
	var all []Row
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		kept := *row
		kept.Cells = append([]Cell(nil), row.Cells...)
		all = append(all, kept)
	}
}

func TestCellsAreReadWithHowTheyAreStored(t *testing.T) {
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	code := func(f *excelize.File, code string) int {
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
		require.NoError(t, err)
		return style
	}
	for _, c := range []struct {
		name   string
		value  any
		format string
		want   Cell
	}{
		{"text", "Zoë", "", Cell{Kind: Text, Text: "Zoë"}},
		{"text of digits", "00971501234567", "", Cell{Kind: Text, Text: "00971501234567"}},
		{"blanks", "  a  ", "", Cell{Kind: Text, Text: "  a  "}},
		{"a number", 971501234567, "", Cell{Kind: Number, Text: "971501234567"}},
		{"a fraction", 12.5, "", Cell{Kind: Inexact, Text: "12.5"}},
		{"15 digits", 123456789012345, "", Cell{Kind: Number, Text: "123456789012345"}},
		{"16 digits", 1234567890123456, "", Cell{Kind: Inexact, Text: "1234567890123456"}},
		{"17 digits that end with zeros", 12345678901234500, "", Cell{Kind: Inexact, Text: "12345678901234500"}},
		{"a number shown with zeros", 501234567, "0000000000", Cell{Kind: Number, Text: "0501234567"}},
		{"a number shown as a telephone number", 501234567, `"+971 "00\-0000000`, Cell{Kind: Inexact, Text: "+971 50-1234567"}},
		{"a number in scientific notation", 971501234567, "0.00E+00", Cell{Kind: Inexact, Text: "9.72E+11"}},
		{"a number with separators", 971501234567, "#,##0", Cell{Kind: Inexact, Text: "971,501,234,567"}},
		{"a number in powers of a thousand", 971501234567, "##0.0E+0", Cell{Kind: Inexact, Text: "971501234567"}},
		{"a number in a language", 971501234567, "[$-409]General", Cell{Kind: Number, Text: "971501234567"}},
		{"a number in a color and a language", 501234567, "[Red][$-409]0000000000", Cell{Kind: Number, Text: "0501234567"}},
		{"a number with a unit", 971501234567, `General" pcs"`, Cell{Kind: Inexact, Text: "971501234567 pcs"}},
		{"a negative number with its own sign", -5, `General;"minus "General`, Cell{Kind: Inexact, Text: "minus 5"}},
		{"a percentage of nothing certain", 0.5, "General%", Cell{Kind: Inexact, Text: "0.5"}},
		{"zero in words", 0, `0;\-0;"zero"`, Cell{Kind: Inexact, Text: "0"}},
		{"a number behind such a zero", 12, `0;\-0;"zero"`, Cell{Kind: Number, Text: "12"}},
		{"a number that is large or small", 971501234567, `[>100]"big";"small"`, Cell{Kind: Inexact, Text: "big"}},
		{"digits behind a point", 12, "0.??", Cell{Kind: Inexact, Text: "12"}},
		{"a telephone number with its own digits", 971501234567, `\+000\ 00\ 0000000`, Cell{Kind: Number, Text: "+971 50 1234567"}},
		{"a date", day, "yyyy\\-mm\\-dd", Cell{Kind: Date, Text: "2026-01-31"}},
		{"a time beyond a day", 1.5, "[h]:mm", Cell{Kind: Date, Text: "36:00"}},
		{"a truth", true, "", Cell{Kind: Bool, Text: "TRUE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := rowsOf(made(t, func(f *excelize.File) {
				require.NoError(t, f.SetCellValue("Sheet1", "C2", c.value))
				if c.format != "" {
					require.NoError(t, f.SetCellStyle("Sheet1", "C2", "C2", code(f, c.format)))
				}
			}))
			require.NoError(t, err)
			require.NotEmpty(t, rows)
			c.want.Column = 3
			assert.Equal(t, []Cell{c.want}, rows[len(rows)-1].Cells)
			assert.EqualValues(t, 2, rows[len(rows)-1].Number)
		})
	}
}

func TestDatesOfAWorkbookThatCountsFrom1904AreThoseThatAreShown(t *testing.T) {
	f := formats{all: []format{{}, {code: "yyyy-mm-dd hh:mm"}, {code: "[h]:mm"}, {id: 46}}, date1904: true}
	for _, c := range []struct {
		value string
		style int
		want  string
	}{
		{"0", 1, "1904-01-01 00:00"}, {"60", 1, "1904-03-01 00:00"}, {"44591.25", 1, "2026-01-31 06:00"},
		{"1.5", 2, "36:00"}, {"1.5", 3, "36:00:00"},
	} {
		kind, text, err := f.shown(c.value, c.style)
		require.NoError(t, err)
		assert.Equal(t, Date, kind)
		assert.Equal(t, c.want, text, c.value)
	}
}

func TestCellsOfEveryTypeAreRead(t *testing.T) {
	for _, c := range []struct {
		xml  string
		want Cell
	}{
		{`<c t="s"><v>0</v></c>`, Cell{Text: "Ann"}},
		{`<c t="s"><v>1</v></c>`, Cell{Text: "漢字x"}},
		{`<c t="inlineStr"><is><t>a &amp; b</t></is></c>`, Cell{Text: "a & b"}},
		{`<c t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></is></c>`, Cell{Text: "a b"}},
		{`<c t="str"><f>A1&amp;"x"</f><v>ax</v></c>`, Cell{Text: "ax", Formula: true}},
		{`<c t="e"><f>1/0</f><v>#DIV/0!</v></c>`, Cell{Kind: Failed, Text: "#DIV/0!", Formula: true}},
		{`<c><f>A1</f></c>`, Cell{Kind: NoValue, Formula: true}},
		{`<c t="b"/><c><v>1</v></c>`, Cell{Column: 2, Kind: Number, Text: "1"}},
		{`<c t="b"><v>0</v></c>`, Cell{Kind: Bool, Text: "FALSE"}},
		{`<c t="d"><v>2026-01-31</v></c>`, Cell{Kind: Date, Text: "2026-01-31"}},
		{`<c><v>9.71501234567E+11</v></c>`, Cell{Kind: Number, Text: "971501234567"}},
		{`<c><v>1.2345678901234568E+17</v></c>`, Cell{Kind: Inexact, Text: "123456789012345680"}},
		{`<c><v>1E+300</v></c>`, Cell{Kind: Inexact, Text: "1E+300"}},
		{`<c><v>-0.05</v></c>`, Cell{Kind: Inexact, Text: "-0.05"}},
		{`<c><v>0</v></c>`, Cell{Kind: Number, Text: "0"}},
		{`<c><v>12x</v></c>`, Cell{Kind: Inexact, Text: "12x"}},
		{`<x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c>`, Cell{Text: "a"}},
		{`<c t="inlineStr"><is><t>a_x000D__x000A_b_x005F_x000D_</t></is></c>`, Cell{Text: "a\r\nb_x000D_"}},
	} {
		rows, err := rowsOf(zipped(t, "<row>"+c.xml+"</row>", "<si><t>Ann</t></si>", "<si><r><t>漢字</t></r><rPh><t>カンジ</t></rPh><r><t>x</t></r></si>"))
		require.NoError(t, err, c.xml)
		c.want.Column = max(1, c.want.Column)
		assert.Equal(t, []Cell{c.want}, rows[0].Cells, c.xml)
	}
}

func TestAWorkbookThatIsDamagedIsRefused(t *testing.T) {
	for name, rows := range map[string]string{
		"rows that are not in order":      `<row r="2"/><row r="1"/>`,
		"cells that are not in order":     `<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`,
		"a row beyond the last":           `<row r="1048577"/>`,
		"a column beyond the last":        `<row><c r="XFE1"/></row>`,
		"a text that is not there":        `<row><c t="s"><v>7</v></c></row>`,
		"a text with a negative number":   `<row><c t="s"><v>-1</v></c></row>`,
		"a row in a row":                  `<row><row></row></row>`,
		"a cell that ends with its row":   `<row><c><v>1</v></row>`,
		"a type that there is not":        `<row><c t="q"><v>1</v></c></row>`,
		"no end":                          `<row><c><v>1`,
		"a text longer than a cell":       `<row><c t="str"><v>` + strings.Repeat("x", maxText+1) + `</v></c></row>`,
		"an entity that is made up":       `<row><c t="str"><v>&lol;</v></c></row>`,
		"a cell of another row":           `<row r="1"><c r="A7"><v>1</v></c></row>`,
		"a cell whose reference is wrong": `<row><c r="1"><v>1</v></c></row>`,
	} {
		_, err := rowsOf(zipped(t, rows))
		var wrong *Error
		require.ErrorAs(t, err, &wrong, name)
		assert.Contains(t, wrong.Reason, "damaged", name)
	}
	whole := zipped(t, `<row><c t="inlineStr"><is><t>`+strings.Repeat("Ann", 1000)+`</t></is></c></row>`)
	_, err := rowsOf(whole[:len(whole)-10])
	require.ErrorAs(t, err, new(*Error))
	for at := 0; at < len(whole); at += 5 {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		rows, err := rowsOf(b)
		if err == nil && len(rows) == 1 {
			assert.Equal(t, strings.Repeat("Ann", 1000), rows[0].Cells[0].Text, "a flipped bit at %d changes a value and is not noticed", at)
		}
	}
}

func TestWhatIsNoWorkbookIsSaidByItsName(t *testing.T) {
	for name, want := range map[string]string{"xl/workbook.bin": ".xlsb", "word/document.xml": "Office document", "customers.csv": "a ZIP archive"} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		_, err := w.Create(name)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		_, err = openBytes(b.Bytes())
		require.ErrorContains(t, err, want)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	part, err := w.Create("mimetype")
	require.NoError(t, err)
	_, err = io.WriteString(part, "application/vnd.oasis.opendocument.spreadsheet")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	_, err = openBytes(b.Bytes())
	require.ErrorContains(t, err, ".ods")
}

func TestAPartThatGrowsBeyondReasonIsRefused(t *testing.T) {
	trap := strings.Repeat("<!--"+strings.Repeat(" ", 1<<20)+"-->", 17)
	_, err := rowsOf(zipped(t, "<row><c><v>1</v></c></row>"+trap))
	require.ErrorContains(t, err, "grows to more than")
	_, err = rowsOf(zipped(t, "<row><c><v>1</v></c></row>", trap))
	require.ErrorContains(t, err, "grows to more than")
}

// A text that is read as a whole before its length is known needs no more than a
// megabyte of workbook to take gigabytes of memory.
func TestATextIsBoundedWhileItIsRead(t *testing.T) {
	long := strings.Repeat("x", maxToken+8<<10)
	for name, rows := range map[string]string{
		"a reference": "<row><c r='" + long, "a comment": "<!--" + long, "blanks": strings.Repeat(" ", len(long)),
	} {
		_, err := rowsOf(zipped(t, rows))
		require.ErrorContains(t, err, "a text of more than 4 MiB", name)
	}
	rows, err := rowsOf(zipped(t, "<row><c t='str'><v>"+strings.Repeat("&quot;", 32767)+"</v></c></row></sheetData>"+long))
	require.NoError(t, err, "what follows the rows is not kept")
	assert.Len(t, rows[0].Cells[0].Text, 32767)
}

func TestSharedTextsGoToAFileAndComeBack(t *testing.T) {
	var s texts
	file := &memory{}
	want := func(i int) string { return fmt.Sprintf("text %d %s", i, strings.Repeat("x", 50+i%97)) }
	const n = 500_000
	for i := range n {
		require.NoError(t, s.add([]byte(want(i)), func() (Scratch, error) { return file, nil }))
	}
	require.NoError(t, s.end())
	require.Greater(t, file.Len(), textsInMemory)
	for i := 0; i < n; i += 331 {
		for _, at := range []int{i, n - 1 - i} {
			got, err := s.text(at)
			require.NoError(t, err)
			require.Equal(t, want(at), got)
		}
	}
	require.LessOrEqual(t, len(s.clock), pagesKept)
}

func TestSheetsAreFoundByName(t *testing.T) {
	f, err := openBytes(made(t, func(f *excelize.File) {
		for _, name := range []string{"Customers", "customers ", "Notes"} {
			_, err := f.NewSheet(name)
			require.NoError(t, err)
		}
		require.NoError(t, f.SetSheetVisible("Notes", false))
	}))
	require.NoError(t, err)
	s, found := f.Sheet("Customers")
	assert.True(t, found)
	assert.Equal(t, "Customers", s.Name)
	_, found = f.Sheet("CUSTOMERS")
	assert.False(t, found, "two fit")
	s, found = f.Sheet("notes")
	assert.True(t, found && s.Hidden)
	assert.Len(t, f.Visible(), 3)
	assert.Equal(t, []string{"A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"}, []string{ColumnName(1), ColumnName(26), ColumnName(27), ColumnName(52), ColumnName(53), ColumnName(702), ColumnName(703), ColumnName(16384)})
}

func FuzzAnyWorkbookIsReadOrRefused(f *testing.F) {
	f.Add([]byte(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`), []byte(`<si><t>Ann</t></si>`), "0.00E+00")
	f.Add([]byte(`<row><c t="inlineStr"><is><r><t>a</t></r></is></c><c s="1"><v>45000.5</v></c></row>`), []byte(``), "yyyy;@")
	f.Fuzz(func(t *testing.T, rows, shared []byte, code string) {
		all, err := rowsOf(zipped(t, string(rows), string(shared)))
		if err != nil {
			require.ErrorAs(t, err, new(*Error))
		}
		for _, row := range all {
			for i, cell := range row.Cells {
				require.True(t, i == 0 || cell.Column > row.Cells[i-1].Column)
			}
		}
		formats := formats{all: []format{{}, {id: 200, code: code}}}
		_, _, err = formats.shown("45000.5", 1)
		require.NoError(t, err)
	})
}
