package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// How words from outside are shown, as a shell takes them or on one line, and how
// many there are of a thing.

// Quoted is a word as a shell takes it, on one line whatever it is.
func Quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-") == "" {
		return word
	}
	if !isPlain(word) {
		return escaped(word)
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// escaped is a word with all that is not plain spelled byte by byte, as bash,
// zsh and ksh read it.
func escaped(word string) string {
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(word); {
		r, size := utf8.DecodeRuneInString(word[i:])
		switch part := word[i : i+size]; {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + part)
		case isPlain(part):
			b.WriteString(part)
		default:
			for _, c := range []byte(part) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		i += size
	}
	return b.String() + "'"
}

// OneLine is a name that may come from anywhere, fit for a line of its own.
func OneLine(name string) string {
	if !isPlain(name) {
		return fmt.Sprintf("%q", name)
	}
	return name
}

// isPlain reports a word that is shown as it is.
func isPlain(word string) bool {
	return utf8.ValidString(word) && !strings.ContainsFunc(word, func(r rune) bool { return r == '\n' || r == '\t' || acts(r) })
}

// Counted is a number of things, which agrees with what they are called.
func Counted[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
