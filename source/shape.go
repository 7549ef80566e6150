package source

import (
	"strings"
	"unicode"
)

// shapeRunes bounds a shape, in characters.
const shapeRunes = 24

// shapeKept are the characters that a shape has as they are: those that tell
// one way of writing things down from another.
const shapeKept = " .,:;-_/+@#()'&"

// Shape says what a value looks like without saying what it is: a and A for
// letters, 9 for digits, punctuation as it stands, ? for anything else. It is
// cut after 24 characters. "Zoë-1" and "Ana-7" have one shape, "Aaa-9".
func Shape(value string) string {
	var b strings.Builder
	n := 0
	for _, r := range value {
		if n == shapeRunes {
			b.WriteString("…")
			break
		}
		b.WriteRune(shapeOf(r))
		n++
	}
	return b.String()
}

func shapeOf(r rune) rune {
	switch {
	case unicode.IsDigit(r):
		return '9'
	case unicode.IsUpper(r):
		return 'A'
	case unicode.IsLetter(r), unicode.IsMark(r):
		return 'a'
	case strings.ContainsRune(shapeKept, r):
		return r
	default:
		return '?'
	}
}
