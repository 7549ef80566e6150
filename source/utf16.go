package source

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unit is the 16-bit unit at an offset.
func (o order) unit(b []byte, at int) rune {
	if o == littleEndian {
		return rune(b[at]) | rune(b[at+1])<<8
	}
	return rune(b[at])<<8 | rune(b[at+1])
}

// character decodes the first character of b, which is not empty.
func (o order) character(b []byte) (r rune, n int, ok bool) {
	if len(b) < 2 {
		return utf8.RuneError, len(b), false
	}
	r = o.unit(b, 0)
	if !utf16.IsSurrogate(r) {
		return r, 2, true
	}
	if len(b) >= 4 {
		if r = utf16.DecodeRune(r, o.unit(b, 2)); r != utf8.RuneError {
			return r, 4, true
		}
	}
	return utf8.RuneError, 2, false
}

// text decodes UTF-16. golang.org/x/text is not used: it gives U+FFFD both for
// half a character and for U+FFFD itself, and does not say where.
func (o order) text(raw []byte) string {
	out := make([]byte, 0, len(raw))
	for at := 0; at < len(raw); {
		r, n, _ := o.character(raw[at:])
		out = utf8.AppendRune(out, r)
		at += n
	}
	return string(out)
}
