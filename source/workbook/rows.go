package workbook

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// A sheet has no more (ECMA-376, and every program that writes it).
const (
	maxRows    = 1 << 20
	maxColumns = 1 << 14

	// maxText bounds a cell, in bytes: four times what a spreadsheet program
	// keeps. maxRowText bounds a row.
	maxText    = 4 * 32767
	maxRowText = 8 << 20
)

// Cell is a cell that is not empty.
type Cell struct {
	Column int // from 1
	Kind
	Text    string // as it is shown
	Formula bool   // Text is the value that it had when the workbook was saved
}

// Row is a row of a sheet. It is good until the next one is read.
type Row struct {
	Number int64 // from 1, as the spreadsheet shows it
	Hidden bool
	Cells  []Cell
}

// Rows reads a sheet from its beginning.
type Rows struct {
	file  *File
	name  string
	part  *part
	xml   *xml.Decoder
	row   Row
	ended bool

	HiddenColumns int     // counted before the first row is given
	Merged        []int64 // rows in which merged cells begin, told after the last row
}

// Rows begins to read a sheet.
func (f *File) Rows(s Sheet) (*Rows, error) {
	if err := f.readStrings(); err != nil {
		return nil, err
	}
	part, err := f.open(s.part)
	if err != nil {
		return nil, err
	}
	return &Rows{file: f, name: s.part, part: part, xml: xml.NewDecoder(part)}, nil
}

// Share is how much of the sheet has been read, from 0 to 1.
func (r *Rows) Share() float64 {
	if r.part.size <= 0 {
		return 0
	}
	return min(1, float64(r.part.n)/float64(r.part.size))
}

// Next gives the next row that the sheet has, empty ones included; io.EOF at the
// end.
func (r *Rows) Next() (*Row, error) {
	if r.ended {
		return nil, io.EOF
	}
	for {
		token, err := r.part.token(r.xml)
		if errors.Is(err, io.EOF) {
			return nil, damaged("%s ends in the middle", r.name)
		}
		if err != nil {
			return nil, readError(r.name, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				return &r.row, r.readRow(&t)
			case "col":
				r.countHidden(&t)
			}
		case xml.EndElement:
			if t.Name.Local == "sheetData" {
				return nil, r.end()
			}
		}
	}
}

// end reads what follows the rows, so that a damaged part is noticed.
func (r *Rows) end() error {
	r.ended = true
	r.readMerged()
	if err := r.part.rest(); err != nil {
		return readError(r.name, err)
	}
	return io.EOF
}

// readMerged reads which cells are merged. Nothing but a notice is made of it, so
// what cannot be read is left out.
func (r *Rows) readMerged() {
	for len(r.Merged) < maxRows {
		token, err := r.part.token(r.xml)
		if err != nil {
			return
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "mergeCell" {
			continue
		}
		first, _, _ := strings.Cut(attribute(&start, "ref"), ":")
		if row, err := strconv.ParseInt(strings.TrimLeft(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 10, 64); err == nil {
			r.Merged = append(r.Merged, row)
		}
	}
}

func (r *Rows) countHidden(col *xml.StartElement) {
	if isTrue(attribute(col, "hidden")) {
		first, _ := strconv.Atoi(attribute(col, "min"))
		last, _ := strconv.Atoi(attribute(col, "max"))
		if 0 < first && first <= last && last <= maxColumns && last-first < 256 { // not all to the right of the list
			r.HiddenColumns += last - first + 1
		}
	}
}

func attribute(e *xml.StartElement, name string) string {
	for i := range e.Attr {
		if e.Attr[i].Name.Local == name {
			return e.Attr[i].Value
		}
	}
	return ""
}

func isTrue(value string) bool { return value == "1" || value == "true" }

// readRow reads the row whose element has begun.
func (r *Rows) readRow(start *xml.StartElement) error {
	number := r.row.Number + 1
	if text := attribute(start, "r"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < number {
			return damaged("%s has row %q behind row %d", r.name, text, r.row.Number)
		}
		number = n
	}
	if number > maxRows {
		return damaged("%s has more than %d rows", r.name, maxRows)
	}
	r.row = Row{Number: number, Hidden: isTrue(attribute(start, "hidden")), Cells: r.row.Cells[:0]}
	column, size := 0, 0
	for {
		token, err := r.part.token(r.xml)
		if err != nil {
			return readError(r.name, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "c":
			case "row":
				return damaged("row %d of %s does not end", number, r.name)
			default:
				continue
			}
			if column, err = r.columnOf(attribute(&t, "r"), column); err != nil {
				return err
			}
			cell, err := r.readCell(&t)
			if err != nil {
				return err
			}
			if cell.Column = column; cell.Text != "" || cell.Kind != Text {
				r.row.Cells = append(r.row.Cells, cell)
			}
			if size += len(cell.Text); size > maxRowText {
				return damaged("row %d of %s is larger than %d MiB", number, r.name, maxRowText>>20)
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		}
	}
}

// columnOf is the number of a column: that of a reference such as AB12 or, without
// one, the next. A cell of another row is refused: programs do not agree where it
// stands.
func (r *Rows) columnOf(reference string, before int) (int, error) {
	column, row := before+1, r.row.Number
	if reference != "" {
		i := 0
		for column = 0; i < len(reference) && 'A' <= reference[i] && reference[i] <= 'Z' && column <= maxColumns; i++ {
			column = 26*column + int(reference[i]-'A') + 1
		}
		row, _ = strconv.ParseInt(reference[i:], 10, 64) // 0 is not a row
	}
	if column <= before || column > maxColumns || row != r.row.Number {
		return 0, damaged("%s has a cell %q in row %d, where there can be none", r.name, reference, r.row.Number)
	}
	return column, nil
}

// ColumnName is how a spreadsheet shows the number of a column.
func ColumnName(column int) string {
	name := ""
	for ; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// stored is what a cell's element has.
type stored struct {
	kind     string // its attribute t
	style    int
	value    []byte
	hasValue bool
	text     []byte // of an inline string
	formula  bool
}

// readCell reads the cell whose element has begun.
func (r *Rows) readCell(start *xml.StartElement) (Cell, error) {
	s := stored{kind: attribute(start, "t")}
	s.style, _ = strconv.Atoi(attribute(start, "s")) // none is 0
	var in string
	depth, phonetic := 0, 0
	for {
		token, err := r.part.token(r.xml)
		if err != nil {
			return Cell{}, readError(r.name, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			in = t.Name.Local
			switch in {
			case "rPh":
				phonetic++
			case "f":
				s.formula = true
			case "v":
				s.hasValue = true
			}
		case xml.CharData:
			switch {
			case phonetic > 0:
			case in == "v":
				s.value = append(s.value, t...)
			case in == "t":
				s.text = append(s.text, t...)
			}
			if len(s.value)+len(s.text) > maxText {
				return Cell{}, damaged("a cell in row %d of %s has more text than a cell can have", r.row.Number, r.name)
			}
		case xml.EndElement:
			if t.Name.Local == "rPh" {
				phonetic--
			}
			if in = ""; depth > 0 {
				depth--
				continue
			}
			if t.Name.Local != "c" {
				return Cell{}, damaged("a cell in row %d of %s does not end", r.row.Number, r.name)
			}
			return r.file.cell(&s)
		}
	}
}
