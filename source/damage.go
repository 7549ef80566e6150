package source

import (
	"strings"
	"unicode"
)

// What spreadsheets and exports do to values. None of it is part of any value, so
// a row with it is not sent.

// damage is a set of its kinds.
type damage uint16

const (
	rounded damage = 1 << iota
	decimalNumber
	errorValue
	tooNarrow
	digitsLost
	zerosLost
	dateDamage
	truthValue
	noValue
	control
	direction
	invisible
	replacement
	prefix
)

// damages says of each kind what it is called and what is said of it, behind the name
// of the field, in this order.
var damages = [...]struct {
	kind        damage
	code, words string
}{
	{rounded, "rounded_number", " is written like 9.7E+11, as a spreadsheet does that has lost its last digits; format the column as text, and enter or export the values again"},
	{decimalNumber, "decimal_number", " is written like 971501234567.0, as programs do that took it for a number; format the column as text, and export the list again"},
	{errorValue, "spreadsheet_error", " is an error value of a spreadsheet, such as #N/A; correct its formula, and export the list again"},
	{tooNarrow, "column_too_narrow", " is a row of #, as a spreadsheet shows in a column that is too narrow; widen the column, and export the list again"},
	{digitsLost, "number_digits_lost", " is stored as a number, and its digits may not be those that were typed: a spreadsheet keeps 15, and no zeros behind a point; format the column as text, and enter the value again"},
	{zerosLost, "number_zeros_lost", " is stored as a number, and has lost the zeros that it began with; format the column as text, and enter the value again"},
	{dateDamage, "number_is_date", " is stored as a date; format the column as text, and enter the value again"},
	{truthValue, "truth_value", " is stored as a truth value, and not as the letters that were typed; format the column as text, and enter the value again"},
	{noValue, "formula_without_value", " is a formula without a value; open the workbook in a spreadsheet program, save it, and run again"},
	{control, "control_character", " contains a control character, such as a line break"},
	{direction, "direction_character", " contains a character that only sets the direction of text and cannot be seen; type the value again"},
	{invisible, "invisible_character", " contains a character that cannot be seen, such as a zero-width space; type the value again"},
	{replacement, "replacement_character", " contains U+FFFD, which stands where an earlier program could not read a character; export the list again"},
	{prefix, "formula_prefix", " begins with an apostrophe that keeps a spreadsheet from running it; take it away"},
}

// damage finds what was done to a value.
func (p *problems) damage(f field, value string) {
	done := damageOf(value)
	if done == 0 {
		return
	}
	for i := range damages {
		if d := &damages[i]; done&d.kind != 0 {
			p.add(d.code, f, f.String()+d.words)
		}
	}
}

// isDamaged reports a value that is damaged: what else could be said of it would
// not help.
func isDamaged(value string) bool { return !isPlain(value) && damageOf(value) != 0 }

// damageOf finds what was done to a value.
func damageOf(value string) (done damage) {
	if value == "" {
		return 0
	}
	switch c := value[0]; {
	case c == '#':
		done = hashDamage(value)
	case c == '\'' && WithoutPrefix(value) != value:
		done = prefix
	case looks[c]&numeric != 0 && isRounded(value):
		done = rounded
	case looks[c]&numeric != 0 && isDecimal(value):
		done = decimalNumber
	case (c == 'E' || c == 'e') && isErrorValue(value):
		done = errorValue
	}
	return done | characterDamage(value)
}

// hashDamage is that of a value that begins with #.
func hashDamage(value string) damage {
	for mark, damage := range cellMarks {
		if mark.marks(value) {
			return damage
		}
	}
	switch {
	case isErrorValue(value):
		return errorValue
	case isHashes(value):
		return tooNarrow
	}
	return 0
}

// characterDamage is that of single characters.
func characterDamage(value string) (done damage) {
	before := rune(0)
	for _, r := range value {
		switch {
		case unicode.IsControl(r):
			done |= control
		case r <= unicode.MaxASCII:
		case r == unicode.ReplacementChar:
			done |= replacement
		case isDirection(r):
			done |= direction
		case isInvisible(r) && (!isJoiner(r) || !needsJoiners(before)):
			done |= invisible
		}
		before = r
	}
	if isJoiner(before) { // behind the last letter there is nothing to join
		done |= invisible
	}
	return done
}

// A mark stands before the text of a cell of a workbook that is stored as
// something else than text and cannot be trusted. It stays in the results, so that
// the row is invalid until somebody has given the cell another value.
type mark string

const (
	numberDigits mark = "#NUMBER! "
	numberZeros  mark = "#ZEROS! "
	numberDate   mark = "#DATE! "
	cellTruth    mark = "#TRUTH! "
	formulaEmpty mark = "#FORMULA! "
)

// cellMarks are all of them, with the damage that they stand for.
var cellMarks = map[mark]damage{numberDigits: digitsLost, numberZeros: zerosLost, numberDate: dateDamage, cellTruth: truthValue, formulaEmpty: noValue}

// marks reports a value that has the mark. Of nothing behind it no space is left.
func (m mark) marks(value string) bool {
	return strings.HasPrefix(value, string(m)) || value == strings.TrimSpace(string(m))
}

// isRounded reports a number in scientific notation, in any spelling: digits with
// a point or a comma, E, a sign and digits. What has neither point nor sign, such as
// 12E45, may be a registration number, unless one digit stands before the E.
func isRounded(value string) bool {
	at := strings.IndexAny(value, "eE")
	if at < 0 {
		return false
	}
	digits, exponent := unsigned(value[:at]), value[at+1:]
	whole := strings.Replace(strings.Replace(digits, ".", "", 1), ",", "", 1)
	return isDigits(whole) && isDigits(unsigned(exponent)) && len(exponent) <= 4 &&
		(len(digits) != len(whole) || len(digits) == 1 || exponent[0] == '+' || exponent[0] == '-')
}

func unsigned(number string) string {
	if number != "" && (number[0] == '+' || number[0] == '-') {
		return number[1:]
	}
	return number
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isDecimal reports a whole number with a point and zeros behind it.
func isDecimal(value string) bool {
	whole, zeros, found := strings.Cut(value, ".")
	return found && isDigits(unsigned(whole)) && zeros != "" && strings.Trim(zeros, "0") == ""
}

// errorValues are those of spreadsheets, in upper case.
var errorValues = func() map[string]bool {
	values := map[string]bool{}
	for _, value := range []string{
		"#N/A", "#N/A!", "#NA", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA", "#FIELD!",
		"#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#EXTERNAL!", "#PYTHON!", "#TIMEOUT!", "#ERROR!", "#WERT!", "#BEZUG!", "#NV", "#ZAHL!",
		"#VALEUR!", "#NOM?", "#NOMBRE!", "#VALOR!", "#¡VALOR!", "#¡REF!", "#¡DIV/0!", "#¡NUM!", "#¿NOMBRE?", "#YOK", "#DEĞER!", "#Н/Д", "#ЗНАЧ!", "#ССЫЛКА!", "#ДЕЛ/0!", "#ИМЯ?",
	} {
		values[value] = true
	}
	return values
}()

// isErrorValue reports an error of a spreadsheet: of Excel, also as other languages
// spell it, or of LibreOffice, such as Err:502.
func isErrorValue(value string) bool {
	if len(value) > 24 {
		return false
	}
	upper := strings.ToUpper(value)
	number, found := strings.CutPrefix(strings.TrimPrefix(upper, "#"), "ERR:")
	return errorValues[upper] || found && isDigits(number)
}

// isHashes reports what is shown of a number that has no room.
func isHashes(value string) bool { return len(value) >= 3 && strings.Trim(value, "#") == "" }

// isDirection reports the characters that set the direction of text (Unicode
// Standard Annex 9, section 2).
func isDirection(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// isJoiner reports characters that, in the scripts that need them, are part of a
// name between its letters (The Unicode Standard, section 23.2).
func isJoiner(r rune) bool { return r == 0x200c || r == 0x200d }

// needsJoiners reports a letter or mark of a script whose letters are joined.
func needsJoiners(r rune) bool {
	return r > 0x05ff && (unicode.IsLetter(r) || unicode.IsMark(r)) &&
		!unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Hebrew, unicode.Thai)
}

// isInvisible reports format characters that are not seen, and fillers that are
// letters to Unicode and nothing to the eye.
func isInvisible(r rune) bool {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return r > unicode.MaxASCII && unicode.Is(unicode.Cf, r) && !isDirection(r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// isPlain reports a value that no damage is found in, which nearly all are: that
// of one pass over its bytes is told from what must be looked at closely.
func isPlain(value string) bool {
	seen := byte(0)
	for i := range len(value) {
		seen |= looks[value[i]]
	}
	switch {
	case seen&suspicious != 0 || seen == 0:
		return seen == 0
	case value[0] == '#', value[0] == '\'':
		return false
	default: // E, e or a point, which is harmless without a digit in front
		return seen&exponent == 0 || looks[value[0]]&numeric == 0 && !isErrorStart(value)
	}
}

// isErrorStart reports how the errors of LibreOffice begin.
func isErrorStart(value string) bool {
	return len(value) > 4 && value[3] == ':' && (value[0] == 'E' || value[0] == 'e')
}

// What a byte can be part of.
const (
	suspicious byte = 1 << iota // damage by itself, or a character that may be
	exponent                    // E, e, a point
	numeric                     // the start of a number
	other                       // #, '
	letterE                     // E, e

	start = numeric | other | letterE // of damage in text that can be seen
)

// looks says what each byte can be part of. In UTF-8, control characters beyond
// ASCII and the soft hyphen begin with 0xC2, other characters that are not seen
// with 0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0 and 0xF3.
var looks = func() (table [256]byte) {
	for c := range len(table) {
		switch c := byte(c); {
		case c < ' ' || c == 0x7f || strings.IndexByte("\xc2\xcd\xd8\xe1\xe2\xe3\xef\xf0\xf3", c) >= 0:
			table[c] = suspicious
		case c == 'E' || c == 'e':
			table[c] = exponent | letterE
		case c == '.':
			table[c] = exponent
		case '0' <= c && c <= '9' || c == '+' || c == '-':
			table[c] = numeric
		case c == '#', c == '\'':
			table[c] = other
		}
		if c == '.' {
			table[c] |= numeric
		}
	}
	return table
}()
