package cli

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Plain is a stream of text for people. Names of files, columns and keys come
// from anywhere; what a terminal or a reader's eye would act upon in them (escape
// sequences, C1 controls, marks of direction) is shown as JSON spells it, which
// leaves a log in JSON as it should be.
type Plain struct{ To io.Writer }

// Write implements io.Writer.
func (p Plain) Write(text []byte) (int, error) {
	if _, err := p.To.Write(PlainText(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// PlainText is a text as Plain shows it.
func PlainText(text []byte) []byte {
	from, out := 0, []byte(nil)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || acts(r) {
			out = append(append(out, text[from:i]...), spelled(r)...)
			from = i + size
		}
		i += size
	}
	if from == 0 {
		return text
	}
	return append(out, text[from:]...)
}

// acts reports what is not shown as itself.
func acts(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f
	}
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
}

func spelled(r rune) string {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
