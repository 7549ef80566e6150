package session

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// overlapOfText is how many characters of the secret a text may not have
	// in a row, however they are written.
	overlapOfText = 8

	// overlapOfID is the same for session ids, which are random as secrets are:
	// eight hexadecimal digits agree by chance, once in some million rows.
	overlapOfID = 10
)

// scrubber finds the app secret in what a service writes. There is one rule: a
// text that has a piece of the secret is never shown, and its code stands in
// its place. Such a text is an echo of the request, and no one can say how much
// else of it is.
type scrubber struct {
	secret  string // where it is shorter than any overlap; it counts as a word of its own then
	length  int    // of the secret, folded and without escapes
	windows map[uint64]struct{}
	maybe   [1 << 10]uint64 // a bit for each window's hash: most bytes need no look into the map
}

func newScrubber(secret Secret) *scrubber {
	s := &scrubber{windows: map[uint64]struct{}{}}
	for form := range decodings(visible(secret.Reveal())) {
		s.length = s.learn(form)
	}
	if s.length < overlapOfText {
		s.secret = secret.Reveal()
	}
	return s
}

// learn notes every piece of the secret that no text may have, and says how many
// characters count.
func (s *scrubber) learn(secret string) (n int) {
	var last uint64
	for i := range len(secret) {
		c := folded[secret[i]]
		if c == dropped {
			continue
		}
		last = last<<8 | uint64(c)
		if n++; n >= overlapOfText {
			s.windows[last] = struct{}{}
			h := hash(last)
			s.maybe[h>>6] |= 1 << (h & 63)
		}
	}
	return n
}

// inText reports a text that must not be shown.
func (s *scrubber) inText(text string) bool {
	overlap := overlapOfText
	if s.secret != "" {
		overlap = len(s.secret)
	}
	return s.inAnyForm(text, overlap)
}

// inSessionID reports a session id that must not be written. None is ever
// changed: it would be a wrong one. A short secret may be in one by chance.
func (s *scrubber) inSessionID(id string) bool {
	return s.length >= overlapOfText && s.inAnyForm(id, min(overlapOfID, s.length))
}

// inAnyForm looks for a piece of the secret in a text and in all that it may
// stand for.
func (s *scrubber) inAnyForm(text string, overlap int) bool {
	if text == "" || s.length == 0 && s.secret == "" {
		return false
	}
	for form := range decodings(visible(text)) {
		if in(s, form, overlap) || s.inHex(form, overlap) || s.inBase64(form, overlap) {
			return true
		}
	}
	return false
}

// inBase64 looks into what may be in base64, from each of the four places on at
// which a group of its characters may begin. Hexadecimal digits are not: that
// nothing but these comes out when a text is encoded does not happen, and nearly
// every session id is a UUID.
func (s *scrubber) inBase64(text string, overlap int) bool {
	if isAllHex(text) {
		return false
	}
	var space [64]byte // as much as a session id takes
	for offset := range 4 {
		if s.inDecoded(appendBase64(space[:0], text, offset), overlap) {
			return true
		}
	}
	return false
}

// inHex does the same for hexadecimal digits, which come in pairs.
func (s *scrubber) inHex(text string, overlap int) bool {
	var space [64]byte
	for offset := range 2 {
		decoded := appendHex(space[:0], text, offset)
		if len(decoded) < overlap {
			return false
		}
		if s.inDecoded(decoded, overlap) {
			return true
		}
	}
	return false
}

// inDecoded looks into what was in base64 or in hex: bytes, which can have
// escapes in turn if they were a text.
func (s *scrubber) inDecoded(decoded []byte, overlap int) bool {
	if in(s, decoded, overlap) {
		return true
	}
	if !hasEscapes(decoded) || !hasText(decoded) {
		return false
	}
	for form := range decodings(string(decoded)) {
		if in(s, form, overlap) {
			return true
		}
	}
	return false
}

// in reports whether that number of characters of the secret stands in a text in a row,
// without regard to case and blanks.
func in[text string | []byte](s *scrubber, t text, overlap int) bool {
	if s.secret != "" {
		return hasWord(string(t), s.secret)
	}
	var last uint64
	run := 0
	for i := range len(t) {
		c := folded[t[i]]
		if c == dropped {
			continue
		}
		last = last<<8 | uint64(c)
		if h := hash(last); s.maybe[h>>6]&(1<<(h&63)) == 0 {
			run = 0
			continue
		}
		if _, found := s.windows[last]; !found {
			run = 0
			continue
		}
		if run++; run+overlapOfText-1 >= overlap {
			return true
		}
	}
	return false
}

func hash(window uint64) uint64 { return window * 0x9e3779b97f4a7c15 >> 48 }

// dropped is what folded has for a character that does not count.
const dropped = 0

// folded has the byte that each byte is compared as. Blanks do not count, nor
// does a plus, which is a blank in a query, nor what messages are joined with.
var folded = func() (table [256]byte) {
	for i := range table {
		switch c := byte(i); {
		case c <= ' ', c == 0x7f, c == '+', c == ';':
			table[i] = dropped
		case 'A' <= c && c <= 'Z':
			table[i] = c + 'a' - 'A'
		default:
			table[i] = c
		}
	}
	return table
}()

// visible drops what cannot be seen beyond ASCII, and would part a piece of the
// secret. ASCII has the table above.
func visible(text string) string {
	if isASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && (unicode.IsSpace(r) || isInvisible(r)) {
			return -1
		}
		return r
	}, text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// hasWord looks for a word that is not part of another one.
func hasWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		if atBoundary(text, i) && atBoundary(text, i+len(word)) {
			return true
		}
		from = i + 1
	}
}
