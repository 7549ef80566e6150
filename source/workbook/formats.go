package workbook

import (
	"fmt"
	"maps"
	"strings"

	"github.com/xuri/excelize/v2"
)

// formats are the ways in which the cells of a workbook show numbers.
type formats struct {
	all      []format // by the number of a style
	date1904 bool

	writer *excelize.File // that shows what is not plain
	styles map[format]int // of writer
	shows  map[showing]string
}

// localDates are formats that each country shows in its own way, as they are shown
// here: as ISO 8601 has it.
var localDates = map[int]string{14: "yyyy-mm-dd", 22: "yyyy-mm-dd hh:mm"}

// format is a number format: a code, or one of those that every program has.
type format struct {
	id   int
	code string
}

// showing is a number in a format.
type showing struct {
	format
	value string
}

// maxShowings is how many of them are remembered: dates come again and again.
const maxShowings = 1 << 14

// readStyles reads the part with the styles.
func (f *File) readStyles(name string) error {
	var sheet struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Styles []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := f.decode(name, &sheet); err != nil {
		return err
	}
	codes := maps.Clone(localDates)
	for _, f := range sheet.Formats {
		codes[f.ID] = f.Code
	}
	for _, s := range sheet.Styles {
		f.formats.all = append(f.formats.all, format{s.Format, codes[s.Format]})
	}
	return nil
}

// shown is a number as its style shows it.
func (f *formats) shown(value string, style int) (Kind, string, error) {
	var as format
	if style > 0 && style < len(f.all) {
		as = f.all[style]
	}
	d, ok := parseDecimal(value)
	if !ok {
		return Inexact, value, nil
	}
	plain, ok := d.plain()
	if !ok {
		return Inexact, value, nil
	}
	kind := Number
	if !d.trusted() {
		kind = Inexact
	}
	switch zeros := as.zeros(); {
	case as.isPlain(), zeros == 1 && d.integer():
		return kind, plain, nil
	case zeros > 1 && d.integer() && !d.negative:
		return kind, strings.Repeat("0", max(0, zeros-len(plain))) + plain, nil
	case as.isDate():
		text, err := f.write(as, f.since1900(as, value))
		return Date, text, err
	}
	section := as.section(&d)
	if text, general := section.general(plain); general {
		return Inexact, text, nil
	}
	text, err := f.write(as, value)
	if section.isDigits() && sameDigits(text, plain) {
		return kind, text, err
	}
	return Inexact, text, err
}

// isPlain reports a format that shows all digits.
func (f format) isPlain() bool {
	code := f.bare()
	return code == "" && (f.id == 0 || f.id == 49) || strings.EqualFold(code, "General") || code == "@"
}

// zeros is how many digits the format shows at least, when it has nothing but
// zeros.
func (f format) zeros() int {
	code := f.bare()
	switch {
	case code == "" && f.id == 1:
		return 1
	case code != "" && strings.Trim(code, "0") == "":
		return len(code)
	}
	return 0
}

// isDate reports a format of dates or times: one of those that every program has
// (ECMA-376 part 1, section 18.8.30), or one with the letters of their parts.
func (f format) isDate() bool {
	if f.code == "" {
		return 14 <= f.id && f.id <= 22 || 27 <= f.id && f.id <= 36 || 45 <= f.id && f.id <= 47 || 50 <= f.id && f.id <= 58
	}
	quoted, bracket := false, -1
	code := strings.ToLower(f.code)
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\', c == '_', c == '*':
			i++
		case c == '[':
			bracket = i
		case c == ']':
			if inside := code[bracket+1 : i]; bracket >= 0 && inside != "" && strings.Trim(inside, "hms") == "" {
				return true // of hours beyond a day
			}
			bracket = -1
		case bracket < 0 && (c == 'y' || c == 'd' || c == 'h' || c == 's' || c == 'm'):
			return true
		}
	}
	return false
}

// sameDigits reports a text in which a number is shown with nothing but blanks,
// signs and brackets between its digits, as telephone numbers are.
func sameDigits(text, plain string) bool {
	digits := strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9':
			return r
		case strings.ContainsRune(" +()/-", r):
			return -1
		default:
			return 'x'
		}
	}, text)
	return strings.TrimLeft(digits, "0") == strings.TrimLeft(plain, "0") && digits != ""
}

// write has a number shown by its format.
func (f *formats) write(as format, value string) (string, error) {
	if text, found := f.shows[showing{as, value}]; found {
		return text, nil
	}
	text, err := f.writeAnew(as, value)
	if err != nil {
		return "", fmt.Errorf("show a number by its format: %w", err)
	}
	if len(f.shows) >= maxShowings {
		f.shows = nil
	}
	if f.shows == nil {
		f.shows = map[showing]string{}
	}
	f.shows[showing{as, value}] = text
	return text, nil
}

func (f *formats) writeAnew(as format, value string) (text string, err error) {
	defer func() {
		if recover() != nil { // the format comes from the file, and may be anything
			text, err = value, nil
		}
	}()
	if f.writer == nil {
		f.writer, f.styles = excelize.NewFile(), map[format]int{}
	}
	const sheet, cell = "Sheet1", "A1"
	style, found := f.styles[as]
	if !found {
		s := excelize.Style{NumFmt: as.id}
		if as.code != "" {
			s = excelize.Style{CustomNumFmt: &as.code}
		}
		var err error
		if style, err = f.writer.NewStyle(&s); err != nil {
			return value, nil // a format that cannot be shown: the number as it is stored
		}
		f.styles[as] = style
	}
	if err := f.writer.SetCellDefault(sheet, cell, value); err != nil {
		return "", err
	}
	if err := f.writer.SetCellStyle(sheet, cell, cell, style); err != nil {
		return "", err
	}
	return f.writer.GetCellValue(sheet, cell)
}
