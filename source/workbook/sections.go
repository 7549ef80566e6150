package workbook

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A number format has up to four sections: for positive numbers, negative ones, zero
// and text (ECMA-376 part 1, section 18.8.31).

// decorations are colors and languages, which do not change the digits.
var decorations = regexp.MustCompile(`(?i)\[(?:\$-[0-9a-f,]*|black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)\]`)

// bare is the code of a format without its decorations.
func (f format) bare() string {
	if !strings.Contains(f.code, "[") {
		return f.code
	}
	return decorations.ReplaceAllString(f.code, "")
}

// section is the part of a format that is for a number, as the pieces that it
// consists of.
type section struct {
	pieces   []piece
	negative bool // the sign of a negative number is written before it
}

// piece is one character of a section that stands for something, or a text.
type piece struct {
	code string // "" for a text
	text string
}

// section finds the section for a number.
func (f format) section(d *decimal) section {
	sections := piecesOf(f.bare())
	switch {
	case d.negative && len(sections) > 1:
		return section{pieces: sections[1]}
	case d.digits == "" && len(sections) > 2:
		return section{pieces: sections[2]}
	}
	return section{sections[0], d.negative}
}

// piecesOf takes a format apart.
func piecesOf(code string) [][]piece {
	sections := [][]piece{nil}
	add := func(p piece) { sections[len(sections)-1] = append(sections[len(sections)-1], p) }
	for code != "" {
		n := 1
		switch c := code[0]; {
		case c == ';':
			sections = append(sections, nil)
		case c == '"':
			text, _, _ := strings.Cut(code[1:], `"`)
			add(piece{text: text})
			n = min(len(code), len(text)+2)
		case (c == '\\' || c == '_' || c == '*') && len(code) > 1:
			_, n = utf8.DecodeRuneInString(code[1:])
			text := code[1 : 1+n]
			switch n++; c {
			case '_':
				text = " "
			case '*':
				text = ""
			}
			add(piece{text: text})
		case len(code) >= len(general) && strings.EqualFold(code[:len(general)], general):
			add(piece{code: general})
			n = len(general)
		default:
			_, n = utf8.DecodeRuneInString(code)
			add(piece{code: code[:n]})
		}
		code = code[n:]
	}
	return sections
}

// general is the code for a number as it is.
const general = "general"

// general shows a number in a section that has General in it. Programs that show
// it so round it where the cell is narrow.
func (s section) general(plain string) (text string, found bool) {
	var b strings.Builder
	if digits, negative := strings.CutPrefix(plain, "-"); negative {
		if plain = digits; s.negative {
			b.WriteByte('-')
		}
	}
	for _, p := range s.pieces {
		switch p.code {
		case "":
			b.WriteString(p.text)
		case general:
			found = true
			b.WriteString(plain)
		default:
			if !strings.Contains(signs, p.code) {
				return "", false
			}
			b.WriteString(p.code)
		}
	}
	return b.String(), found
}

// signs are characters that stand for themselves.
const signs = " +()-"

// isDigits reports a section that shows all digits of a whole number, and nothing
// that is done to it.
func (s section) isDigits() bool {
	digits := false
	for _, p := range s.pieces {
		digit := p.code != "" && strings.Contains("0#?", p.code)
		if digits = digits || digit; !digit && !strings.Contains(signs, p.code) {
			return false
		}
	}
	return digits
}

// isElapsed reports a format of hours, minutes or seconds that are not those of a
// day.
func (f format) isElapsed() bool {
	const hoursMinutesSeconds = 46 // [h]:mm:ss, which every program has
	return f.code == "" && f.id == hoursMinutesSeconds || elapsed.MatchString(f.code)
}

var elapsed = regexp.MustCompile(`(?i)\[(?:h+|m+|s+)\]`)

// days1904 is how many days later than others a workbook begins to count whose first
// day is in 1904.
const days1904 = 1462

// since1900 is a date as others count it.
func (f *formats) since1900(as format, value string) string {
	days, err := strconv.ParseFloat(value, 64)
	if !f.date1904 || err != nil || as.isElapsed() {
		return value
	}
	return strconv.FormatFloat(days+days1904, 'f', -1, 64)
}
