package source

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Doubts finds values that are legal and may be a mistake. It is used by one
// goroutine.
type Doubts struct {
	found     notices
	seed      maphash.Seed
	spellings map[uint64]uint64 // of addresses that can be spelt in two ways, by the spelling that all have
}

// maxSpellings bounds the addresses that are remembered. Few can be spelt in two
// ways.
const maxSpellings = 1 << 20

// See looks at the values of a record that is valid.
func (d *Doubts) See(rec *Record) {
	c := &rec.Customer
	if mayBeNothing(c.FirstName) || mayBeNothing(c.LastName) || mayBeNothing(c.MobileNumber) || mayBeNothing(c.EmployeeID) ||
		mayBeNothing(c.FullName) || mayBeNothing(c.RegistrationNumber) || mayBeNothing(c.TradingName) {
		d.nothing(c, rec.Line)
	}
	if c.MobileNumber != "" {
		d.mobile(c.MobileNumber, rec.Line)
	}
	if (!rec.simple || strings.IndexByte(c.Email, '-') >= 0) && hasSpellings(c.Email) {
		d.address(c.Email, rec.Line)
	}
	if rec.simple {
		return
	}
	if hasQuestion(c.FirstName) || hasQuestion(c.LastName) || hasQuestion(c.FullName) || hasQuestion(c.TradingName) {
		d.found.count("question_mark_in_name", "names such as M?ller: programs write a question mark for a letter that their encoding does not have; export the list again, as UTF-8", rec.Line)
	}
	if isMisread(c.FirstName) || isMisread(c.LastName) || isMisread(c.FullName) || isMisread(c.TradingName) {
		d.found.count("misread_name", "names such as MÃ¼ller for Müller: an earlier program has read UTF-8 as windows-1252; open or import the list again there, as UTF-8", rec.Line)
	}
}

// Notices are what was found.
func (d *Doubts) Notices() []Notice { return d.found }

// longestNothing is the length of the longest of them, in bytes.
const longestNothing = 6

// mayBeNothing reports a value as short as those that isNothing does, and with the
// first letter of one.
func mayBeNothing(value string) bool {
	return value != "" && len(value) <= longestNothing && startsNothing[value[0]]
}

var startsNothing = bytesThat(func(c byte) bool { return strings.IndexByte(`\nN(<`, c) >= 0 })

func (d *Doubts) nothing(c *Customer, line int64) {
	for _, value := range [...]string{c.MobileNumber, c.EmployeeID, c.FirstName, c.LastName, c.FullName, c.RegistrationNumber, c.TradingName} {
		if isNothing(value) {
			d.found.count("word_for_nothing", `values such as NULL, \N or None: if they stand for no value, leave these cells empty`, line)
			return
		}
	}
}

// isNothing reports what programs write for no value.
func isNothing(value string) bool {
	switch len(value) {
	case 2:
		return value == `\N`
	case 3:
		return strings.EqualFold(value, "nil") || strings.EqualFold(value, "n/a") || value == "NaN" || value == "nan"
	case 4:
		return strings.EqualFold(value, "null") || value == "None"
	case 6:
		return strings.EqualFold(value, "(null)") || strings.EqualFold(value, "<null>")
	}
	return false
}

// A mobile number has at most 15 digits (ITU-T E.164, section 6), and hardly less
// than 7.
const (
	fewestDigits = 7
	mostDigits   = 15
)

func (d *Doubts) mobile(number string, line int64) {
	digits, letters := 0, false
	if isSimple(number) && isWhole(number) {
		digits = digitsIn(number)
	} else {
		digits, letters = digitsAndLetters(number)
	}
	switch {
	case letters:
		d.found.count("letters_in_mobile", "mobile numbers with letters, or with digits of another script, in them", line)
	case digits < fewestDigits || digits > mostDigits:
		d.found.count("odd_mobile", "mobile numbers with less than 7 or more than 15 digits", line)
	}
}

func digitsAndLetters(number string) (digits int, letters bool) {
	for i := range len(number) {
		c := number[i]
		letters = letters || isLetter[c]
		if '0' <= c && c <= '9' {
			digits++
		}
	}
	return digits, letters
}

// isLetter has those of ASCII, and the bytes of all that is beyond it.
var isLetter = bytesThat(func(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf })

// hasQuestion reports a question mark with a letter behind it, or several.
func hasQuestion(name string) bool {
	for i := range len(name) - 1 {
		if after := name[i+1]; name[i] == '?' && (after == '?' || isLetter[after]) {
			return true
		}
	}
	return false
}

// isMisread reports text that was UTF-8, and that a program has read as windows-1252:
// its bytes there are those of characters.
func isMisread(text string) bool {
	at := strings.IndexByte(text, '\xc3')                          // as Â, Ã and all others begin that can come first
	if at < 0 || at+2 >= len(text) || text[at+2] < utf8.RuneSelf { // behind which another is that is beyond ASCII
		return false
	}
	var room [64]byte
	read := room[:0]
	for _, r := range text {
		b, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			return false
		}
		read = append(read, b)
	}
	return utf8.Valid(read)
}

// address remembers how an address is spelt, and notices another spelling of it.
func (d *Doubts) address(address string, line int64) {
	if d.spellings == nil {
		d.seed, d.spellings = maphash.MakeSeed(), map[uint64]uint64{}
	}
	one := maphash.String(d.seed, oneSpelling(address))
	this := maphash.Bytes(d.seed, AppendCustomerKey(nil, "", address))
	before, seen := d.spellings[one]
	switch {
	case !seen && len(d.spellings) < maxSpellings:
		d.spellings[one] = this
	case seen && before != this:
		d.found.count("two_spellings", "e-mail addresses that look like that of an earlier row and are written with other characters (NFC and NFD, or a domain in letters and in xn--): they are sent as other customers", line)
	}
}

// oneSpelling is the same for all spellings of an address.
func oneSpelling(address string) string {
	address = norm.NFC.String(strings.ToLower(address))
	at := strings.LastIndexByte(address, '@')
	domain, err := idna.ToUnicode(address[at+1:])
	if err != nil {
		domain = address[at+1:]
	}
	return address[:at+1] + norm.NFC.String(domain)
}

// hasSpellings reports an address that can be spelt in several ways: one beyond
// ASCII, or with the two hyphens of a domain in xn--.
func hasSpellings(address string) bool {
	for i := range len(address) {
		if c := address[i]; c >= utf8.RuneSelf || c == '-' && i > 0 && address[i-1] == '-' {
			return true
		}
	}
	return false
}
