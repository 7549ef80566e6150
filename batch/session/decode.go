package session

import (
	"bytes"
	"html"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxRounds bounds how many times a text is decoded: a log of a log of a body.
const maxRounds = 4

// decodings gives a text, and what it stands for: without the escapes of URLs,
// of HTML and of JSON, one kind after the other, as often as there are any.
func decodings(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(text) {
			return
		}
		for range maxRounds {
			before := text
			for _, undo := range [...]func(string) string{withoutPercents, html.UnescapeString, withoutBackslashes} {
				if next := undo(text); next != text {
					if text = next; !yield(text) {
						return
					}
				}
			}
			if text == before {
				return
			}
		}
	}
}

func hasEscapes(text []byte) bool { return bytes.ContainsAny(text, `%&\`) }

// withoutPercents undoes the escapes of URLs. What is not one stays, here and
// below.
func withoutPercents(text string) string {
	if strings.IndexByte(text, '%') < 0 {
		return text
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			b = append(b, unhex(text[i+1])<<4|unhex(text[i+2]))
			i += 2
			continue
		}
		b = append(b, text[i])
	}
	return string(b)
}

// withoutBackslashes undoes the escapes of JSON and of most programming
// languages: \/ \n \u002b \x2b.
func withoutBackslashes(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b = append(b, text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'n', 'r', 't', 'b', 'f', 'v':
			b = append(b, ' ')
		case 'u', 'x':
			r, size := codePoint(text[i:])
			if size == 0 {
				b = append(b, c)
				continue
			}
			b = utf8.AppendRune(b, r)
			i += size - 1
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// codePoint reads u002b or x2b, or two of the first kind that are one character.
// The size is 0 when it is neither.
func codePoint(text string) (r rune, size int) {
	size = len("u002b")
	if text[0] == 'x' {
		size = len("x2b")
	}
	if len(text) < size {
		return 0, 0
	}
	n, err := strconv.ParseUint(text[1:size], 16, 16)
	if err != nil {
		return 0, 0
	}
	if utf16.IsSurrogate(rune(n)) && strings.HasPrefix(text[size:], `\u`) && len(text) >= 2*size+1 {
		if low, err := strconv.ParseUint(text[size+2:2*size+1], 16, 16); err == nil {
			if r := utf16.DecodeRune(rune(n), rune(low)); r != utf8.RuneError {
				return r, 2*size + 1
			}
		}
	}
	return rune(n), size
}

// apart stands between what was decoded from two places. No text has it.
const apart = 0xff

// sixBits has the value of every character of base64, in the alphabet for URLs,
// too; noBits of every other.
var sixBits = func() (table [256]byte) {
	for i := range table {
		table[i] = noBits
	}
	for i := range byte(26) {
		table['A'+i], table['a'+i] = i, 26+i
	}
	for i := range byte(10) {
		table['0'+i] = 52 + i
	}
	table['+'], table['-'], table['/'], table['_'] = 62, 62, 63, 63
	return table
}()

const noBits = 0xff

// appendBase64 decodes all that could be base64, from an offset in each run of
// its characters on: what stands right before it is of that alphabet, too. Line
// breaks and blanks do not end a run.
func appendBase64(dst []byte, text string, offset int) []byte {
	skip, bits, n := offset, uint32(0), 0
	for i := range len(text) {
		v := sixBits[text[i]]
		switch {
		case v == noBits && text[i] <= ' ':
		case v == noBits:
			dst, skip, n = append(dst, apart), offset, 0
		case skip > 0:
			skip--
		default:
			bits = bits<<6 | uint32(v)
			if n += 6; n >= 8 {
				n -= 8
				dst = append(dst, byte(bits>>n))
			}
		}
	}
	return dst
}

// appendHex does the same for hexadecimal digits, which may stand in groups.
func appendHex(dst []byte, text string, offset int) []byte {
	skip, high, half := offset, byte(0), false
	for i := range len(text) {
		c := text[i]
		switch {
		case c <= ' ' || c == ':' || c == '-' || c == ',':
		case !isHex(c):
			dst, skip, half = append(dst, apart), offset, false
		case skip > 0:
			skip--
		case half:
			dst, half = append(dst, high|unhex(c)), false
		default:
			high, half = unhex(c)<<4, true
		}
	}
	return dst
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func isAllHex(text string) bool {
	for i := range len(text) {
		if !isHex(text[i]) && text[i] != '-' {
			return false
		}
	}
	return true
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}

// hasText reports bytes of which some in a row are printable, as hardly any are
// that were not text before they were decoded.
func hasText(decoded []byte) bool {
	run := 0
	for _, c := range decoded {
		if c < ' ' || c > '~' {
			run = 0
		} else if run++; run == overlapOfText {
			return true
		}
	}
	return false
}
