package source

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Most of a list is text of ASCII, in which little can be wrong. Looks at eight bytes
// at once tell it from what must be looked at closely.

const (
	ones    = 0x0101010101010101 // 1 in each byte
	highest = 0x80 * ones        // the highest bit of each byte, which those of ASCII do not have
)

// eight are the first eight bytes of a text.
func eight(text string) uint64 {
	b := text[:8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// isSimple reports text of nothing but the characters of ASCII that can be seen, and
// blanks, without question marks, which programs write for what they cannot. A byte
// before the blank has its highest bit set when a blank is taken away from it. DEL and
// the question mark differ in one bit, with which both have it set when 1 is added.
func isSimple(text string) bool {
	odd := uint64(0)
	for len(text) >= 8 {
		x := eight(text)
		odd |= x | (x - ' '*ones) | ((x | 0x40*ones) + ones)
		text = text[8:]
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '?' {
			return false
		}
	}
	return odd&highest == 0
}

// untilTextEnds is the length of what stands before the first byte of endsText. Quotes
// and backslashes are made 0. A byte of 0 gets its highest bit when 1 is taken away from
// it, and one below the blank when a blank is. What is carried may give it to bytes
// behind such a one, too, which does not matter: only the first counts.
func untilTextEnds(text string) int {
	at := 0
	for ; len(text)-at >= 8; at += 8 {
		x := eight(text[at:])
		quote, escape := x^'"'*ones, x^'\\'*ones
		ends := ((quote-ones)&^quote | (escape-ones)&^escape | (x-' '*ones)&^x) & highest
		if ends != 0 {
			return at + bits.TrailingZeros64(ends)/8
		}
	}
	for at < len(text) && !endsText[text[at]] {
		at++
	}
	return at
}

// isHarmless reports a simple value in which no damage can be. It is not empty.
func isHarmless(value string) bool {
	kind := looks[value[0]]
	return kind&start == 0 || kind&other == 0 && isWhole(value)
}

// isWhole reports a simple text without a letter or a point, which is what a mobile
// number is. It may have other characters in it, and report false.
func isWhole(text string) bool {
	if len(text) < 8 || len(text) > 16 {
		return false
	}
	first, last := eight(text), eight(text[len(text)-8:])
	letters := (first | last) & (0x40 * ones)
	points := (((first ^ '.'*ones) - ones) | ((last ^ '.'*ones) - ones)) & highest
	return letters|points == 0
}

// digitsIn counts the digits of a text that isWhole.
func digitsIn(text string) int {
	const behindNine = 0x80 - 10 // what sets the highest bit of all that is not one of the ten
	first := ^((eight(text) ^ '0'*ones) + behindNine*ones) & highest
	last := ^((eight(text[len(text)-8:]) ^ '0'*ones) + behindNine*ones) & highest
	return bits.OnesCount64(first) + bits.OnesCount64(last>>(8*(16-len(text))))
}

// trimmed is a value without white space around it, which few values have.
func trimmed(value string) string {
	if value == "" || isBare(value[0]) && isBare(value[len(value)-1]) {
		return value
	}
	return strings.TrimSpace(value)
}

// isBare reports a byte that is not white space or a part of it.
func isBare(c byte) bool { return ' ' < c && c < utf8.RuneSelf }
