package fixes

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"bulkonboard/source"
	"bulkonboard/source/workbook"
)

// A sheet as a workbook has all cells as text, so that no program makes a number of
// a value. The rows are written as they come: excelize, which makes all the rest,
// keeps large sheets in named files meanwhile, which a process that is killed would
// leave behind.
const (
	rowsSheet  = "Fixes"
	aboutSheet = "How to give it back"
	rowsPart   = "xl/worksheets/sheet1.xml"

	mostBookRows = 1 << 20 // with the header, as every program has them
	mostCellText = 32767   // characters in a cell, likewise
)

// NewWorkbook begins a sheet as a workbook. command is what gives it back.
func NewWorkbook(w io.Writer, of Results, t Table, list *source.List, command string) (*Writer, error) {
	b := &book{zip: zip.NewWriter(w), columns: len(ownColumns()) + len(t.Columns()), of: of, command: command}
	if err := b.begin(); err != nil {
		return nil, err
	}
	return newWriter(b, of, t, list, false) // text is never run
}

// book is a workbook that is being written.
type book struct {
	of      Results
	command string
	columns int

	zip    *zip.Writer
	sheet  *bufio.Writer // the part with the rows
	tail   string        // what follows them
	styles bookStyles
	rows   int
}

// bookStyles are numbers of styles.
type bookStyles struct{ header, own, text, faulty int }

// begin writes what comes before the rows.
func (b *book) begin() error {
	parts, err := b.frame(nil)
	if err != nil {
		return err
	}
	sheet := dimension.ReplaceAllString(parts[rowsPart], "")
	head, rest, found := strings.Cut(sheet, "<sheetData>")
	_, tail, ended := strings.Cut(rest, "</sheetData>")
	if !found || !ended {
		return fmt.Errorf("make the workbook: the sheet has no place for rows")
	}
	b.tail = "</sheetData>" + tail
	part, err := b.zip.Create(rowsPart)
	if err != nil {
		return err
	}
	b.sheet = bufio.NewWriter(part)
	_, err = b.sheet.WriteString(head + "<sheetData>")
	return err
}

// dimension says how large the sheet is. It may be left out, and is not known yet.
var dimension = regexp.MustCompile(`<dimension [^>]*>(?:</dimension>)?`)

func (b *book) row(cells []string, faulty []bool) error {
	if b.rows++; b.rows > mostBookRows {
		return tooLarge("it has more rows than a workbook can have")
	}
	fmt.Fprintf(b.sheet, `<row r="%d">`, b.rows)
	for i, text := range cells {
		style := b.styles.text
		switch {
		case b.rows == 1:
			style = b.styles.header
		case i < len(ownColumns()):
			style = b.styles.own
		case faulty != nil && faulty[i]:
			style = b.styles.faulty
		}
		if utf8.RuneCountInString(text) > mostCellText {
			return tooLarge(fmt.Sprintf("a value in its row %d is longer than a cell can be", b.rows))
		}
		fmt.Fprintf(b.sheet, `<c r="%s%d" s="%d" t="inlineStr"><is><t xml:space="preserve">`, workbook.ColumnName(i+1), b.rows, style)
		if err := xml.EscapeText(b.sheet, []byte(workbook.Escaped(text))); err != nil {
			return err
		}
		_, _ = b.sheet.WriteString(`</t></is></c>`) // an error comes again at the end
	}
	_, err := b.sheet.WriteString("</row>")
	return err
}

func tooLarge(reason string) error {
	return &source.ListError{Reason: "the sheet of corrections does not fit into a workbook: " + reason, Hint: "write it as CSV: name a file that ends with .csv"}
}

// close writes what follows the rows, and the other parts.
func (b *book) close(counts map[count]int64) error {
	_, _ = b.sheet.WriteString(b.tail)
	if err := b.sheet.Flush(); err != nil {
		return err
	}
	parts, err := b.frame(counts)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if name == rowsPart {
			continue
		}
		part, err := b.zip.Create(name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, parts[name]); err != nil {
			return err
		}
	}
	return b.zip.Close()
}

// frame makes the workbook without its rows, and gives its parts.
func (b *book) frame(counts map[count]int64) (map[string]string, error) {
	f := excelize.NewFile()
	steps := []func(*excelize.File) error{b.makeSheets, b.makeStyles, b.layOut, func(f *excelize.File) error { return b.writeAbout(f, counts) }}
	for _, step := range steps {
		if err := step(f); err != nil {
			return nil, fmt.Errorf("make the workbook: %w", err)
		}
	}
	packed, err := f.WriteToBuffer()
	if err != nil {
		return nil, fmt.Errorf("make the workbook: %w", err)
	}
	return partsOf(packed.Bytes())
}

func partsOf(packed []byte) (map[string]string, error) {
	in, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, err
	}
	parts := map[string]string{}
	for _, file := range in.File {
		part, err := file.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		parts[file.Name] = string(text)
	}
	return parts, nil
}

func (b *book) makeSheets(f *excelize.File) error {
	if err := f.SetSheetName("Sheet1", rowsSheet); err != nil {
		return err
	}
	_, err := f.NewSheet(aboutSheet)
	return err
}

// textFormat is the number format of text, which every program has.
const textFormat = 49

func (b *book) makeStyles(f *excelize.File) error {
	fill := func(color string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	}
	open := &excelize.Protection{Locked: false}
	for _, style := range []struct {
		number *int
		is     excelize.Style
	}{
		{&b.styles.header, excelize.Style{NumFmt: textFormat, Font: &excelize.Font{Bold: true}}},
		{&b.styles.own, excelize.Style{NumFmt: textFormat, Fill: fill("EEEEEE")}},
		{&b.styles.text, excelize.Style{NumFmt: textFormat, Protection: open}},
		{&b.styles.faulty, excelize.Style{NumFmt: textFormat, Protection: open, Fill: fill("FFC7CE")}},
	} {
		var err error
		if *style.number, err = f.NewStyle(&style.is); err != nil {
			return err
		}
	}
	return nil
}

// layOut makes the sheet as it is shown, and protects the cells that must stay.
func (b *book) layOut(f *excelize.File) error {
	last := workbook.ColumnName(b.columns)
	for _, set := range []func() error{
		func() error { return f.SetCellStr(rowsSheet, "A1", markColumn) }, // so that there is a place for rows
		func() error { return f.SetColStyle(rowsSheet, "A:"+last, b.styles.text) },
		func() error { return f.SetColWidth(rowsSheet, "A", last, 22) },
		func() error { return f.SetColWidth(rowsSheet, "C", "C", 70) },
		func() error {
			return f.SetPanes(rowsSheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
		},
		func() error {
			return f.ProtectSheet(rowsSheet, &excelize.SheetProtectionOptions{
				SelectLockedCells: true, SelectUnlockedCells: true, FormatCells: true, FormatColumns: true, FormatRows: true, AutoFilter: true,
			})
		},
		func() error { return f.SetColWidth(aboutSheet, "A", "A", 30) },
		func() error { return f.SetColWidth(aboutSheet, "B", "B", 60) },
	} {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

// writeAbout writes the counts, and how to give the workbook back.
func (b *book) writeAbout(f *excelize.File, counts map[count]int64) error {
	rows := [][2]string{
		{"How to give it back", ""},
		{"1", "Correct the colored cells in the sheet " + rowsSheet + ". Column " + problemsColumn + " says what is wrong."},
		{"2", "Leave the columns " + markColumn + " and " + rowColumn + " as they are. A row that is deleted stays as it was, unless it failed."},
		{"3", "All cells are text: leave them so, and type numbers as they are to be sent."},
		{"4", "Save the workbook, and run:"},
		{"", b.command},
		{"", ""},
		{"Run", b.of.Run},
		{"Rows in this workbook", strconv.Itoa(max(0, b.rows-1))},
	}
	for _, kind := range slices.SortedFunc(maps.Keys(counts), func(x, y count) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), strings.Compare(x.code, y.code), strings.Compare(string(x.status), string(y.status)))
	}) {
		rows = append(rows, [2]string{strings.TrimSpace(string(kind.status) + " " + kind.code), strconv.FormatInt(counts[kind], 10)})
	}
	for i, row := range rows {
		for k, text := range row {
			if err := f.SetCellStr(aboutSheet, workbook.ColumnName(k+1)+strconv.Itoa(i+1), text); err != nil {
				return err
			}
		}
	}
	return nil
}
