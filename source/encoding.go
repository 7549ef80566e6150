package source

import (
	"bytes"
	"fmt"
	"strings"
)

// marks are the byte order marks, each with the encoding that it stands for.
// That of UTF-32LE begins with that of UTF-16LE.
var marks = []struct {
	bytes   string
	charset charset
	name    string
}{
	{"\xff\xfe\x00\x00", charset{}, "UTF-32"},
	{"\x00\x00\xfe\xff", charset{}, "UTF-32"},
	{"\xef\xbb\xbf", charset{}, "UTF-8"},
	{"\xff\xfe", charset{name: "utf-16le", wide: littleEndian}, "UTF-16LE"},
	{"\xfe\xff", charset{name: "utf-16be", wide: bigEndian}, "UTF-16BE"},
}

// utf8Mark is the byte order mark that Excel puts before UTF-8.
const utf8Mark = "\xef\xbb\xbf"

// settleCharset finds the encoding of a list by its byte order mark or by the
// name that was given, and returns the mark. Where the two differ one of them
// is wrong, and which it is cannot be known here.
func settleCharset(name string, start []byte) (c charset, mark []byte, err error) {
	if c, err = charsetNamed(name); err != nil {
		return c, nil, &ListError{Reason: err.Error()}
	}
	for _, m := range marks {
		if !bytes.HasPrefix(start, []byte(m.bytes)) {
			continue
		}
		mark := []byte(m.bytes)
		named := strings.ToLower(strings.TrimSpace(name))
		switch {
		case m.name == "UTF-32":
			return c, nil, &ListError{Line: 1, Reason: "the list is in UTF-32, which is not read", Hint: "convert it: iconv -f UTF-32 -t UTF-8 LIST"}
		case name == "", c.name == m.charset.name, c.name == "utf-16" && m.charset.wide != narrow:
			return m.charset, mark, nil
		}
		return c, nil, &ListError{
			Line: 1, Reason: fmt.Sprintf("the list begins with the byte order mark of %s, and --encoding says %s", m.name, named),
			Hint: "leave --encoding out, or check that this is the right list",
		}
	}
	switch {
	case c.name == "utf-16":
		return c, nil, &ListError{Reason: "the list has no byte order mark, so --encoding utf-16 does not say which byte comes first", Hint: "type --encoding utf-16le (Windows, most often) or --encoding utf-16be"}
	case name == "":
		return c, nil, unmarkedUTF16(start)
	}
	return c, nil, nil
}

// unmarkedUTF16 recognises UTF-16 without its mark by its NUL bytes: ASCII has
// one in every unit, always on the same side.
func unmarkedUTF16(start []byte) error {
	var nuls [2]int
	for i, c := range start {
		if c == 0 {
			nuls[i%2]++
		}
	}
	first, second := nuls[0], nuls[1]
	if min(first, second) > 0 || max(first, second) < max(2, len(start)/8) {
		return nil
	}
	name := "utf-16le"
	if first > 0 {
		name = "utf-16be"
	}
	return &ListError{Line: 1, Reason: "every other byte is NUL, so this looks like UTF-16 without a byte order mark", Hint: "type --encoding " + name}
}

// nameEncoding is the next step for a list in an encoding that was not named.
const nameEncoding = "name the encoding of the list, such as --encoding windows-1252 (Western Europe), windows-1251 (Cyrillic), windows-1256 (Arabic), shift_jis (Japanese) or gbk (Chinese)"

// checkText reports what of a record is not text. A replacement character would
// be a wrong name, so such a row is not sent.
func (l *List) checkText(rec *Record, body int, text string) *Problem {
	raw := rec.Raw[:body]
	if bad := l.charset.badByte(raw, text); bad >= 0 {
		message := fmt.Sprintf("%s: the byte at offset %d of the list is not valid %s", l.place(rec, l.charset.text(raw[:bad])), rec.Offset+int64(bad), &l.charset)
		if !l.encodingNamed && l.charset.isUTF8() && !l.bom {
			message += "; name the encoding of the list with --encoding, such as windows-1252"
		}
		return &Problem{Code: "invalid_encoding", Message: message}
	}
	if at := strings.IndexByte(text, 0); at >= 0 {
		offset := rec.Offset + int64(l.charset.rawLen(raw, at))
		return &Problem{Code: "nul_byte", Message: fmt.Sprintf("%s: the byte at offset %d of the list is NUL, which is not text", l.place(rec, text[:at]), offset)}
	}
	return nil
}

// place says where the text before something ends: the line and, in a row that
// can be cut that far, the column.
func (l *List) place(rec *Record, before string) string {
	place := fmt.Sprintf("line %d", rec.Line+int64(l.lineEnds(before)))
	if l.format == FormatJSONL {
		return place
	}
	cells, state, _ := cutCells(nil, before, l.delimiter, l.spaced)
	if state == cutBad {
		return place
	}
	return fmt.Sprintf("%s, column %d (%s)", place, len(cells), l.columnName(len(cells)))
}

// lineEnds counts the line ends in a text as an editor would.
func (l *List) lineEnds(text string) int {
	n := strings.Count(text, "\n")
	if l.lines.cr {
		n += strings.Count(text, "\r") - strings.Count(text, "\r\n")
	}
	return n
}
