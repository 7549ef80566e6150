package source

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Excerpt repeats some records of a list, one behind the other, so that they
// read back as the rows that they are in the list. That takes more than their
// bytes where a row is bad: behind other neighbors than in the list, a stray
// quote can find one that closes it, and make one row of several. Such rows are
// kept apart by empty lines, which are not rows. It has nothing in common with
// the list that is being read meanwhile.
type Excerpt struct {
	format    Format
	charset   charset
	cr        bool
	delimiter byte
	columns   int
	spaced    bool
	header    []byte
	lineEnd   []byte
	guessed   bool // the encoding was neither named nor marked
	state     ExcerptState
}

// ExcerptState is how far an excerpt has come, for the run that resumes it.
type ExcerptState struct {
	Rows  int64      `json:"rows,omitempty"`
	Bytes int64      `json:"bytes,omitempty"` // behind the header
	Open  []Unclosed `json:"open,omitempty"`
}

// Unclosed is a row with a quote that is not closed in it, as far as the lines
// behind it do not either.
type Unclosed struct {
	Cells int `json:"cells"` // with the open cell
	Lines int `json:"lines"`
	Bytes int `json:"bytes"`
}

// Excerpt makes one of this list, or resumes it.
func (l *List) Excerpt(s ExcerptState) *Excerpt {
	e := &Excerpt{
		format: l.format, charset: l.charset, cr: l.lines.cr, delimiter: l.delimiter, columns: l.width, spaced: l.spaced, header: l.headerRaw,
		guessed: !l.encodingNamed && !l.bom, state: s,
	}
	if e.charset.decoder != nil {
		e.charset, _ = charsetNamed(l.charset.name) // it was found before
	}
	e.lineEnd = e.encoded(strings.TrimPrefix(l.lineEnd, "\r"))
	if e.cr {
		e.lineEnd = e.encoded("\r")
	}
	return e
}

// State is how far the excerpt has come.
func (e *Excerpt) State() ExcerptState { return e.state }

// Header appends what comes before the first record.
func (e *Excerpt) Header(dst []byte) []byte { return append(dst, e.header...) }

// Append appends a record.
func (e *Excerpt) Append(dst []byte, rec *Record) []byte {
	from := len(dst)
	switch first := e.state.Rows == 0 && e.format == FormatJSONL; {
	case first:
		dst = e.firstObject(dst, rec)
	case e.misleads(rec):
		dst = e.row(e.beyondWindow(dst), rec)
	default:
		dst = e.row(dst, rec)
	}
	e.state.Rows++
	e.state.Bytes += int64(len(dst) - from)
	return dst
}

// misleads reports a row that could pass the list off as UTF-16 where it begins:
// that takes twice as many NULs.
func (e *Excerpt) misleads(rec *Record) bool {
	return e.guessed && bytes.Count(rec.Raw, []byte{0}) > len(rec.Raw)/16
}

// beyondWindow appends empty lines until what comes is not looked at to find out
// what the list is.
func (e *Excerpt) beyondWindow(dst []byte) []byte {
	for range max(0, window-int64(len(e.header))-e.state.Bytes) {
		dst = append(dst, e.lineEnd...)
	}
	return dst
}

// row appends a record as it is. Lines of JSONL have nothing to do with each
// other.
func (e *Excerpt) row(dst []byte, rec *Record) []byte {
	if e.format == FormatJSONL || len(e.state.Open) == 0 && bytes.IndexByte(rec.Raw, '"') < 0 {
		return append(dst, rec.Raw...)
	}
	lines := e.linesOf(rec.Raw)
	if least := e.closes(lines); least > 0 {
		for range maxRecordLines - least {
			dst = append(dst, e.lineEnd...)
		}
		e.state.Open = nil
	}
	if len(lines) == 1 && rec.Malformed {
		e.opens(&lines[0])
	}
	return append(dst, rec.Raw...)
}

// linesOf cuts the bytes of a record into lines.
func (e *Excerpt) linesOf(raw []byte) []line {
	var all []line
	s := lines{buf: raw, end: len(raw), err: io.EOF, cr: e.cr, wide: e.charset.wide}
	for {
		ln, err := s.next()
		if err != nil {
			return all
		}
		all = append(all, ln)
	}
}

// closes follows the rows that are open through the lines of the next record. If
// one of them would become a row together with what follows it, it gives the
// number of lines that the last of these rows has by then.
func (e *Excerpt) closes(lines []line) (least int) {
	before := append([]Unclosed(nil), e.state.Open...)
	for i := range lines {
		still := e.state.Open[:0]
		for _, o := range e.state.Open {
			switch o.add(e, &lines[i]) {
			case cutOpen:
				still = append(still, o)
			case cutWhole:
				return before[len(before)-1].Lines
			case cutBad:
			}
		}
		e.state.Open = still
	}
	return 0
}

// add follows an open row through one more line: cutWhole when the two may be read
// as one row, cutBad when they never will be. It is what reachQuote comes to, which
// begins with the first line each time.
func (o *Unclosed) add(e *Excerpt, ln *line) cutState {
	o.Lines++
	o.Bytes += len(ln.raw)
	if o.Lines > maxRecordLines || o.Bytes > maxRecord*e.charset.wide.size() {
		return cutBad
	}
	_, rest, closed := quotedCell(e.charset.text(ln.raw[:ln.body]))
	state := cutWhole
	switch {
	case !closed:
		return cutOpen
	case rest != "" && rest[0] != e.delimiter:
		return cutBad
	case rest != "":
		var cells []string
		cells, state, _ = cutCells(nil, rest, e.delimiter, e.spaced)
		o.Cells += len(cells) - 1 // the first one is what stands before the delimiter: nothing
	}
	return state
}

// opens notes a row whose last quote is not closed.
func (e *Excerpt) opens(ln *line) {
	cells, state, _ := cutCells(nil, e.charset.text(ln.raw[:ln.body]), e.delimiter, e.spaced)
	if state == cutOpen {
		e.state.Open = append(e.state.Open, Unclosed{Cells: len(cells), Lines: 1, Bytes: len(ln.raw)})
	}
}

// firstObject appends the first line of JSONL, by which format and line ends are
// found out. One that does not begin as an object is written as one: as the
// results have it.
func (e *Excerpt) firstObject(dst []byte, rec *Record) []byte {
	if !strings.HasPrefix(strings.TrimLeft(rec.Text, " \t\r\n"), "{") || e.misleads(rec) {
		text, _ := jsontext.AppendQuote(nil, strings.TrimSpace(rec.Text)) // what is not text is written as such
		return append(append(dst, e.encoded(`{"input":`+e.spelled(string(text))+`}`)...), e.lineEnd...)
	}
	s := lines{buf: rec.Raw, end: len(rec.Raw), err: io.EOF, wide: e.charset.wide}
	if (s.settle(false) == "\r") != e.cr {
		dst = append(dst, e.lineEnd...)
	}
	return append(dst, rec.Raw...)
}

// encoded is ASCII text in the encoding of the list.
func (e *Excerpt) encoded(ascii string) []byte {
	if e.charset.wide == narrow {
		return []byte(ascii)
	}
	b := make([]byte, 0, 2*len(ascii))
	for i := range len(ascii) {
		if e.charset.wide == littleEndian {
			b = append(b, ascii[i], 0)
		} else {
			b = append(b, 0, ascii[i])
		}
	}
	return b
}

// spelled is a JSON string in characters that the encoding of the list has.
func (e *Excerpt) spelled(text string) string {
	if e.charset.isUTF8() {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			b.WriteByte(byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
