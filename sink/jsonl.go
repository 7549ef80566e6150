package sink

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"bulkonboard/source"
)

// JSONL encodes results as one object a line: the input's own text, untouched,
// with one more member. It is used by one goroutine.
type JSONL struct{ clock clock }

// Header appends nothing: JSONL has none.
func (*JSONL) Header(dst []byte) []byte { return dst }

// Append appends the result line of rec to dst.
func (j *JSONL) Append(dst []byte, rec *source.Record, res *Result) []byte {
	dst = j.input(dst, rec)
	dst = append(dst, `"`+source.ResultMember+`":`...)
	v := cellsOf(res, &j.clock)
	for i := range columns {
		dst = append(dst, opening[i]...)
		if columns[i].number {
			dst = append(dst, v[i]...)
		} else {
			dst = quote(dst, v[i])
		}
	}
	return append(dst, "}}\n"...)
}

// opening is what stands before the value of a column: its name, and before that
// what parts it from the one before.
var opening = func() (texts [len(columns)]string) {
	for i, name := range Columns() {
		texts[i] = `,"` + name + `":`
	}
	texts[0] = "{" + texts[0][1:]
	return texts
}()

// input appends the opening of the result object: all members of the input
// object but an earlier run's result, or, for a line that is not an object, its
// text under "input".
func (j *JSONL) input(dst []byte, rec *source.Record) []byte {
	if rec.Plain > 0 {
		return append(append(dst, rec.Text[:rec.Plain]...), ',')
	}
	text := strings.TrimSpace(rec.Text)
	if rec.Malformed {
		dst = append(dst, `{"input":`...)
		dst = quote(dst, cut(text, maxMalformedText))
		return append(dst, ',')
	}
	body := text[1 : len(text)-1]
	if strings.Contains(body, `"`+source.ResultMember+`"`) || strings.Contains(body, `\`) { // a name may be written with escapes
		body = withoutMember(text)
	}
	dst = append(dst, '{')
	if body = strings.TrimSpace(body); body != "" {
		dst = append(append(dst, withoutCR(body)...), ',')
	}
	return dst
}

// withoutCR has white space in the place of a bare CR, which only stands between
// the values of an object: a reader could take it for the end of the line.
func withoutCR(body string) string { return strings.ReplaceAll(body, "\r", " ") }

// withoutMember returns what stands between the braces of a JSON object, less
// the member an earlier run added. The object is known to be well-formed.
func withoutMember(text string) string {
	d := jsontext.NewDecoder(strings.NewReader(text))
	_, _ = d.ReadToken() // the opening brace
	before := d.InputOffset()
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		found := name.String() == source.ResultMember
		if err := d.SkipValue(); err != nil {
			break
		}
		if found {
			return joinAround(text, int(before), int(d.InputOffset()))
		}
		before = d.InputOffset()
	}
	return text[1 : len(text)-1]
}

// joinAround cuts text[from:to] out of an object. The cut starts at the end of
// the member before, so the comma between the two goes with it; the first
// member has none, and takes the comma after it.
func joinAround(text string, from, to int) string {
	rest := text[to : len(text)-1]
	if from == 1 {
		rest = strings.TrimPrefix(strings.TrimSpace(rest), ",")
	}
	return text[1:from] + rest
}

// quote appends s as a JSON string. Invalid UTF-8 cannot reach it from a
// decoded record, and would be replaced rather than break the line.
func quote(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
