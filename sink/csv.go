package sink

import (
	"slices"
	"strings"
	"unicode/utf8"

	"bulkonboard/source"
)

// maxMalformedText bounds, in bytes, how much of a row that could not be read
// is repeated in the results. The rejects file has all of it.
const maxMalformedText = 64 << 10

// CSV encodes results as CSV with the input's own columns, delimiter and line
// ends. It is used by one goroutine.
//
// encoding/csv is not used for writing: with CRLF line ends it rewrites line
// breaks inside values, and a customer's values leave this program as they
// came.
type CSV struct {
	header    []string
	keep      []int // columns of the input that are copied unchanged
	delimiter byte
	lineEnd   string
	bom       bool
	safe      bool
	whole     bool      // all columns are carried, in the dialect of the input
	quoted    [256]bool // the bytes for which a cell is quoted
	clock     clock
}

// CSVOptions is the dialect of a results file: that of the input.
type CSVOptions struct {
	Delimiter   rune   // one of , ; tab |
	LineEnd     string // "\n" or "\r\n"
	BOM         bool   // begin with a byte order mark, which Excel needs to read UTF-8
	FormulaSafe bool   // give input cells that a spreadsheet would run a prefix
	Recoded     bool   // the input is in another encoding or dialect, so no row of it can be repeated byte for byte
}

// Clash gives a column of a list whose name a result has too, so that both
// cannot stand in one results file. A list with all of them is the results of
// an earlier run, which give way to this run's.
func Clash(header []string) (number int, name string, clashes bool) {
	results := 0
	for i, column := range header {
		for _, own := range Columns() {
			if !strings.EqualFold(strings.TrimSpace(column), own) {
				continue
			}
			if number, name = i+1, column; column == own {
				results++
			}
		}
	}
	return number, name, number > 0 && results < len(Columns())
}

// DialectOf is the dialect of the results of a list: the list's own, in UTF-8.
// A list that a spreadsheet could read in another encoding gets a byte order
// mark, without which its results could not be read.
func DialectOf(list *source.List) CSVOptions {
	recoded := list.Encoding() != source.UTF8
	o := CSVOptions{Delimiter: list.Delimiter(), LineEnd: list.LineEnd(), BOM: list.BOM() || recoded, FormulaSafe: list.Prefixed(), Recoded: recoded}
	if o.LineEnd == "\r" {
		o.LineEnd, o.Recoded = "\n", true
	}
	return o
}

// NewCSV returns an encoder for a list with the given header. Columns that are
// results of an earlier run give way to this run's.
func NewCSV(header []string, o CSVOptions) *CSV {
	c := &CSV{header: header, delimiter: byte(o.Delimiter), lineEnd: o.LineEnd, bom: o.BOM, safe: o.FormulaSafe}
	for _, b := range []byte{c.delimiter, '"', '\r', '\n'} {
		c.quoted[b] = true
	}
	for i, name := range header {
		if !slices.Contains(Columns(), name) {
			c.keep = append(c.keep, i)
		}
	}
	c.whole = len(c.keep) == len(header) && !c.safe && !o.Recoded
	return c
}

// Header appends the header line to dst.
func (c *CSV) Header(dst []byte) []byte {
	if c.bom {
		dst = append(dst, "\ufeff"...)
	}
	for _, i := range c.keep {
		dst = c.cell(dst, c.inputCell(c.header[i]))
		dst = append(dst, c.delimiter)
	}
	return c.line(dst, Columns())
}

// Append appends the result row of rec to dst.
func (c *CSV) Append(dst []byte, rec *source.Record, res *Result) []byte {
	values := cellsOf(res, &c.clock)
	return c.line(c.inputCells(dst, rec), values[:])
}

// inputCells appends the carried columns, each followed by a delimiter. A row
// that could not be read as cells stands whole in the first column: spreading
// it over columns would be a guess, and a later retry could take the guess for
// a customer.
func (c *CSV) inputCells(dst []byte, rec *source.Record) []byte {
	if rec.Plain > 0 && c.whole {
		return append(append(dst, rec.Raw[:rec.Plain]...), c.delimiter)
	}
	cells := rec.Cells
	if cells == nil && rec.Plain > 0 {
		cells = strings.Split(string(rec.Raw[:rec.Plain]), string(c.delimiter))
	}
	for n, i := range c.keep {
		switch {
		case cells != nil:
			dst = c.cell(dst, c.inputCell(cells[i]))
		case n == 0:
			dst = c.cell(dst, c.inputCell(cut(rec.Text, maxMalformedText)))
		}
		dst = append(dst, c.delimiter)
	}
	return dst
}

// inputCell is a value of the input as it is written.
func (c *CSV) inputCell(value string) string {
	if c.safe {
		return source.WithPrefix(value)
	}
	return value
}

// line appends a whole row of values.
func (c *CSV) line(dst []byte, cells []string) []byte {
	for i, value := range cells {
		if i > 0 {
			dst = append(dst, c.delimiter)
		}
		dst = c.cell(dst, value)
	}
	return append(dst, c.lineEnd...)
}

// cell appends one value, quoted where RFC 4180 section 2 asks for it.
func (c *CSV) cell(dst []byte, s string) []byte {
	if !c.mustQuote(s) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i]...), `""`...)
		s = s[i+1:]
	}
	return append(append(dst, s...), '"')
}

func (c *CSV) mustQuote(s string) bool {
	for i := range len(s) {
		if c.quoted[s[i]] {
			return true
		}
	}
	return false
}

// cut shortens s to at most limit bytes without splitting a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
