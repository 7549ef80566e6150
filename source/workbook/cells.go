package workbook

import (
	"math"
	"strconv"
	"strings"
)

// Kind is how a cell is stored.
type Kind int

// The kinds of cells. All but Text can differ from what somebody has typed.
const (
	Text    Kind = iota
	Number       // with digits that are shown as they are stored
	Inexact      // a number of 16 digits and more, a fraction, or one that is shown in another way than by its digits
	Date         // a number that is shown as a date or a time
	Bool         // TRUE or FALSE
	Failed       // an error, such as #N/A
	NoValue      // a formula that was never calculated
)

// cell makes a cell of what is stored of it.
func (f *File) cell(s *stored) (Cell, error) {
	c := Cell{Formula: s.formula}
	var err error
	switch value := string(s.value); {
	case s.formula && !s.hasValue && len(s.text) == 0:
		c.Kind = NoValue
	case s.kind == "s":
		if value != "" {
			c.Text, err = f.shared(value)
		}
	case s.kind == "inlineStr":
		c.Text = unescaped(string(s.text))
	case s.kind == "str":
		c.Text = unescaped(value)
	case s.kind == "b" && value != "":
		c.Kind, c.Text = Bool, "FALSE"
		if value == "1" || value == "true" {
			c.Text = "TRUE"
		}
	case s.kind == "e":
		c.Kind, c.Text = Failed, value
	case s.kind == "d":
		c.Kind, c.Text = Date, value
	case s.kind != "" && s.kind != "n" && s.kind != "b":
		err = damaged("a cell has the type %q", s.kind)
	case value != "":
		c.Kind, c.Text, err = f.formats.shown(value, s.style)
	}
	return c, err
}

// shared gives a shared string.
func (f *File) shared(number string) (string, error) {
	i, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || i < 0 || i >= f.strings.n {
		return "", damaged("a cell refers to a text %q, which the workbook does not have", number)
	}
	text, err := f.strings.text(i)
	return unescaped(text), err
}

// mostDigits is how many digits of a number a spreadsheet keeps.
const mostDigits = 15

// decimal is a number as it is stored, in digits.
type decimal struct {
	negative    bool
	digits      string // without zeros at either end; "" is zero
	exponent    int    // of ten, behind the digits
	significant int
}

// parseDecimal reads a number as XML has it: 971501234567, 9.7E+11, 0.1.
func parseDecimal(text string) (d decimal, ok bool) {
	text = strings.TrimSpace(text)
	if value, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(value, 0) || math.IsNaN(value) || strings.ContainsAny(text, "xXpP_") {
		return d, false
	}
	text, d.negative = strings.CutPrefix(strings.TrimPrefix(text, "+"), "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if exponent != "" {
		d.exponent, _ = strconv.Atoi(exponent) // it is part of a number
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exponent -= len(fraction)
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += len(digits) - len(d.digits)
	d.significant = len(d.digits)
	return d, true
}

// integer reports a whole number.
func (d *decimal) integer() bool { return d.digits == "" || d.exponent >= 0 }

// longest is how many zeros are written out at most.
const longest = 40

// plain writes the number without an exponent. It fails where people could not read
// it as a number.
func (d *decimal) plain() (string, bool) {
	sign := ""
	if d.negative && d.digits != "" {
		sign = "-"
	}
	switch point := len(d.digits) + d.exponent; {
	case d.digits == "":
		return "0", true
	case d.exponent > longest || point < -longest:
		return "", false
	case d.exponent >= 0:
		return sign + d.digits + strings.Repeat("0", d.exponent), true
	case point > 0:
		return sign + d.digits[:point] + "." + d.digits[point:], true
	default:
		return sign + "0." + strings.Repeat("0", -point) + d.digits, true
	}
}

// trusted reports a number whose digits are those that somebody typed. A fraction
// has lost the zeros at its end.
func (d *decimal) trusted() bool {
	return d.integer() && d.significant+d.exponent <= mostDigits
}
