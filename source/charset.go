package source

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// UTF8 is the name of the encoding that results are in.
const UTF8 = "UTF-8"

// charset turns the bytes of a list into text. The zero value is UTF-8.
type charset struct {
	name    string            // as a person types it; "" is UTF-8
	wide    order             // of UTF-16, or narrow
	decoder *encoding.Decoder // of a national encoding; nil for UTF-8 and UTF-16
}

// order is how many bytes make a unit, and which of the two comes first.
type order int

const (
	narrow       order = iota // units of one byte: UTF-8 and the national encodings
	littleEndian              // UTF-16LE
	bigEndian                 // UTF-16BE
)

// size is the number of bytes of a unit.
func (o order) size() int {
	if o == narrow {
		return 1
	}
	return 2
}

// ascii gives the ASCII character of the whole unit at an offset, or 0xff for
// anything else. The unit must be there.
func (o order) ascii(b []byte, at int) byte {
	c, high := b[at], byte(0)
	switch o {
	case littleEndian:
		high = b[at+1]
	case bigEndian:
		c, high = b[at+1], c
	case narrow:
	}
	if high != 0 || c >= utf8.RuneSelf {
		return 0xff
	}
	return c
}

// text decodes raw. What is not text in this encoding is there as U+FFFD (in
// UTF-8, as the bytes that it is), so that records can be cut: badByte must be
// asked before anything is made of it.
func (c *charset) text(raw []byte) string {
	switch {
	case c.wide != narrow:
		return c.wide.text(raw)
	case c.decoder == nil:
		return string(raw)
	default:
		text, _ := c.decoder.Bytes(raw) // these decoders have no errors
		return string(text)
	}
}

// badByte is the offset in raw of the first byte that is not text, or -1. text
// is what raw was decoded to.
func (c *charset) badByte(raw []byte, text string) int {
	switch {
	case c.isUTF8() && utf8.ValidString(text):
		return -1
	case !c.isUTF8() && !strings.ContainsFunc(text, isNoCharacter):
		return -1
	}
	for at := 0; at < len(raw); {
		_, n, ok := c.character(raw[at:])
		if !ok {
			return at
		}
		at += n
	}
	return -1
}

// rawLen is how many bytes of raw the first n bytes of its text come from.
func (c *charset) rawLen(raw []byte, n int) int {
	at := 0
	for written := 0; written < n && at < len(raw); {
		char, read, _ := c.character(raw[at:])
		written += len(char)
		at += read
	}
	return at
}

// isNoCharacter reports what decoders give for bytes that stand for nothing.
// Bytes 0x80 to 0x9f of ISO-8859 are control characters that no text has
// written for forty years: such a list is in a Windows code page.
func isNoCharacter(r rune) bool {
	return r == utf8.RuneError || 0x80 <= r && r <= 0x9f
}

// character decodes the first character of raw, which is not empty; without
// one it gives the bytes to pass over. It is slow, and for bad rows only.
func (c *charset) character(raw []byte) (char string, n int, ok bool) {
	switch {
	case c.wide != narrow:
		r, n, ok := c.wide.character(raw)
		return string(r), n, ok
	case c.decoder == nil:
		r, n := utf8.DecodeRune(raw)
		return string(r), n, r != utf8.RuneError || n > 1
	}
	var out [8 * utf8.UTFMax]byte
	for end := 1; end <= min(maxCharacter, len(raw)); end++ {
		c.decoder.Reset()
		// An error only says that more bytes must follow.
		written, read, _ := c.decoder.Transform(out[:], raw[:end], end == len(raw))
		if read > 0 {
			if char = string(out[:written]); !strings.ContainsFunc(char, isNoCharacter) {
				return char, read, true
			}
			break
		}
	}
	return "", 1, false // good ones can follow a wrong byte
}

// maxCharacter is the length of the longest character in any encoding, in
// bytes: that of GB 18030.
const maxCharacter = 4

// printable is raw as text, with every byte that is none written as \xNN, NUL
// among them: what is made of the text is read again.
func (c *charset) printable(raw []byte) string {
	if text := c.text(raw); c.badByte(raw, text) < 0 && strings.IndexByte(text, 0) < 0 {
		return text
	}
	var b strings.Builder
	for len(raw) > 0 {
		char, n, ok := c.character(raw)
		if ok && char != "\x00" {
			b.WriteString(char)
		} else {
			for _, octet := range raw[:n] {
				fmt.Fprintf(&b, `\x%02x`, octet)
			}
		}
		raw = raw[n:]
	}
	return b.String()
}

// utf8Looks notices a list that is read as a code page and could be UTF-8: as
// bytes of a code page, letters outside ASCII are hardly ever valid UTF-8.
type utf8Looks struct{ several, no bool }

// take looks at some of the bytes of a list.
func (l *utf8Looks) take(c *charset, raw []byte) {
	if c.decoder == nil || l.no {
		return
	}
	for _, octet := range raw {
		if octet >= utf8.RuneSelf {
			l.several = true
			l.no = !utf8.Valid(raw)
			return
		}
	}
}

// Misread is the encoding that a list is read in, where it is a code page and all
// bytes so far are valid UTF-8, with characters of several bytes among them; ""
// otherwise.
func (l *List) Misread() string {
	if l.looks.several && !l.looks.no {
		return l.Encoding()
	}
	return ""
}

// isUTF8 reports whether the bytes of the list are its text.
func (c *charset) isUTF8() bool { return c.name == "" }

// String is the name of the encoding.
func (c *charset) String() string {
	switch {
	case c.isUTF8():
		return UTF8
	case c.wide != narrow:
		return strings.ToUpper(c.name)
	default:
		return c.name
	}
}
