package source

import (
	"net/mail"
	"strings"
	"unicode"
)

// The two values of customerType, spelt as the API wants them.
const (
	individualType = "Individual"
	companyType    = "LegalEntity"
)

// maxEmail is the longest address that mail can be sent to, in bytes (RFC 5321
// section 4.5.3.1.3, less the angle brackets).
const maxEmail = 254

// Validate checks a customer against every rule of the API guide that can be
// checked without calling, and returns all problems, in the order of the
// guide. It normalises sendEmail to lower case; other values are left as they
// are. Its messages never quote a value.
func Validate(c *Customer) []Problem {
	var p problems
	p.types(c)
	p.email(c.Email)
	if c.SendEmail != "" {
		c.SendEmail = strings.ToLower(c.SendEmail)
		if c.SendEmail != "true" && c.SendEmail != "false" {
			p.add("invalid_send_email", sendEmail, "sendEmail is neither true nor false")
		}
	}
	if c.ClientID != "" && !isUUID(c.ClientID) {
		p.add("invalid_client_id", clientID, "clientId is not a UUID (8-4-4-4-12 hexadecimal digits)")
	}
	if isRounded(c.MobileNumber) {
		p.add("rounded_number", customerMobileNumber, "customerMobileNumber is written like 9.7E+11, as a spreadsheet does that has lost its last digits; make the column text and export the list again")
	}
	for f, value := range c.fields() {
		if !isPlain(*value) {
			p.text(field(f), *value)
		}
	}
	return p
}

// isRounded reports a number in the notation to which spreadsheets turn long
// ones: digits, a point or a comma, E+ and digits.
func isRounded(value string) bool {
	digits, exponent, found := strings.Cut(value, "E+")
	return found && isDigits(strings.Replace(strings.Replace(digits, ".", "", 1), ",", "", 1)) && isDigits(exponent)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// text finds what is no part of any value, but damage that earlier programs did
// to it.
func (p *problems) text(f field, value string) {
	if strings.ContainsFunc(value, unicode.IsControl) {
		p.add("control_character", f, f.String()+" contains a control character, such as a line break")
	}
	if strings.ContainsRune(value, unicode.ReplacementChar) {
		p.add("replacement_character", f, f.String()+" contains U+FFFD, which stands where an earlier program could not read a character; export the list again")
	}
	if WithoutPrefix(value) != value {
		p.add("formula_prefix", f, f.String()+" begins with an apostrophe that keeps a spreadsheet from running it; take it away")
	}
}

// isPlain reports a value that text finds nothing in, which nearly all are.
func isPlain(value string) bool {
	for i := range len(value) {
		if suspicious[value[i]] {
			return false
		}
	}
	return true
}

// suspicious are the bytes of what text looks for. In UTF-8, control characters
// beyond ASCII begin with 0xC2 and U+FFFD with 0xEF.
var suspicious = bytesThat(func(c byte) bool { return c < ' ' || c == 0x7f || c == '\'' || c == 0xc2 || c == 0xef })

// bytesThat is a table of the bytes that something holds for.
func bytesThat(holds func(c byte) bool) (table [256]bool) {
	for c := range len(table) {
		table[c] = holds(byte(c))
	}
	return table
}

// problems collects what is wrong with one customer.
type problems []Problem

func (p *problems) add(code string, f field, message string) {
	*p = append(*p, Problem{Code: code, Field: f.String(), Message: message})
}

// types holds customerType against the details, by the guide's validation
// rules 1 to 3.
func (p *problems) types(c *Customer) {
	individual := c.FirstName != "" || c.LastName != ""
	company := c.FullName != "" || c.RegistrationNumber != "" || c.TradingName != ""
	switch c.Type {
	case individualType, companyType:
	case "":
		p.add("missing_customer_type", customerType, "customerType is missing; it is Individual or LegalEntity")
	default:
		p.add("invalid_customer_type", customerType, "customerType is neither Individual nor LegalEntity, spelt exactly so")
	}
	switch {
	case individual && company:
		*p = append(*p, Problem{Code: "both_details", Message: "the row has details of an individual and of a company; it must have one of them"})
		return
	case !individual && !company:
		*p = append(*p, Problem{Code: "missing_details", Message: "the row has neither an individual's names nor a company's details"})
		return
	case c.Type == individualType && company, c.Type == companyType && individual:
		p.add("type_mismatch", customerType, "customerType does not match the details: Individual needs firstName and lastName, LegalEntity a company's")
	}
	required := []field{fullName, registrationNumber, tradingName}
	if individual {
		required = []field{firstName, lastName}
	}
	for _, f := range required {
		if *f.in(c) == "" {
			p.add("missing_"+snake(f.String()), f, f.String()+" is missing")
		}
	}
}

// snake writes firstName as first_name.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func (p *problems) email(address string) {
	switch {
	case address == "":
		p.add("missing_customer_email", customerEmail, "customerEmail is missing")
	case !isEmail(address) && strings.ContainsFunc(address, isInvisible):
		p.add("invalid_customer_email", customerEmail, "customerEmail has a character in it that cannot be seen, such as a zero-width space; type the address anew")
	case !isEmail(address):
		p.add("invalid_customer_email", customerEmail, "customerEmail is not an e-mail address")
	}
}

// isEmail reports whether s is an address that mail could reach over the
// internet: an addr-spec of RFC 5322 without comments or display name, whose
// domain has a dot. Internationalised addresses (RFC 6531) are allowed.
func isEmail(s string) bool {
	if len(s) > maxEmail {
		return false
	}
	if at := strings.IndexByte(s, '@'); at >= 0 && dotAtom(s[:at]) && isDomain(s[at+1:]) {
		return true
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Name != "" || strings.ContainsAny(s, "<>() \t") || strings.ContainsFunc(s, isInvisible) {
		return false
	}
	return isDomain(s[strings.LastIndexByte(s, '@')+1:])
}

// isInvisible reports what is in an address by accident only: a zero-width
// space, a byte order mark, a mark of direction, a space that is none of
// ASCII's. It would make another customer of one that looks the same.
func isInvisible(r rune) bool {
	return r > unicode.MaxASCII && (unicode.Is(unicode.Cf, r) || unicode.IsSpace(r))
}

// dotAtom reports the plain form of a local part that nearly all have.
func dotAtom(s string) bool {
	dot := true
	for i := range len(s) {
		switch c := s[i]; {
		case inAtom[c]:
			dot = false
		case c == '.' && !dot:
			dot = true
		default:
			return false
		}
	}
	return !dot
}

// inAtom are the characters of an atom (RFC 5322 section 3.2.3), and inLabel
// those of ASCII in a label of a host name.
var (
	inAtom  = bytesThat(func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0 })
	inLabel = bytesThat(func(c byte) bool { return isAlphanumeric(c) || c == '-' })
)

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isDomain reports a host name of at least two labels.
func isDomain(s string) bool {
	for labels := 1; ; labels++ {
		label, dot := s, strings.IndexByte(s, '.')
		if dot >= 0 {
			label = s[:dot]
		}
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !isLabel(label) {
			return false
		}
		if dot < 0 {
			return labels > 1
		}
		s = s[dot+1:]
	}
}

// isLabel reports letters, digits and hyphens, of any script.
func isLabel(s string) bool {
	for i := range len(s) {
		if !inLabel[s[i]] {
			return !strings.ContainsFunc(s[i:], isNoPartOfLabel)
		}
	}
	return true
}

func isNoPartOfLabel(r rune) bool {
	return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}
