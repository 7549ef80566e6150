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

// validate checks a customer against every rule of the API guide that can be
// checked without calling, and for what spreadsheets and exports do to values. It
// returns all problems: first those of the guide, in its order. It writes
// sendEmail as true or false; other values are left as they are. Its messages
// never quote a value. simple says that all values are, as those of most rows.
func validate(c *Customer, simple bool) []Problem {
	var p problems
	p.types(c)
	p.email(c.Email)
	if c.SendEmail != "" {
		word, known := sendEmailWords[strings.ToLower(c.SendEmail)]
		if known {
			c.SendEmail = word
		} else if !isDamaged(c.SendEmail) {
			p.add("invalid_send_email", sendEmail, "sendEmail is neither true nor false (yes, no, 1 and 0 also work)")
		}
	}
	if c.ClientID != "" && !isUUID(c.ClientID) && !isDamaged(c.ClientID) {
		p.add("invalid_client_id", clientID, "clientId is not a UUID (8-4-4-4-12 hexadecimal digits)")
	}
	for f, place := range c.places() {
		value := *place
		if value == "" {
			continue
		}
		if (simple || isSimple(value)) && isHarmless(value) || isPlain(value) {
			continue
		}
		p.damage(field(f), value)
	}
	return p
}

// sendEmailWords are the words for sendEmail, in lower case.
var sendEmailWords = map[string]string{"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}

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

// types compares customerType with the details, by the guide's validation
// rules 1 to 3.
func (p *problems) types(c *Customer) {
	individual, company := c.hasIndividual(), c.hasCompany()
	switch c.Type {
	case individualType, companyType:
	case "":
		p.add("missing_customer_type", customerType, "customerType is missing; it is Individual or LegalEntity")
	default:
		if !isDamaged(c.Type) {
			p.add("invalid_customer_type", customerType, "customerType must be exactly Individual or LegalEntity (case-sensitive)")
		}
	}
	switch {
	case individual && company:
		*p = append(*p, c.bothDetails())
		return
	case !individual && !company:
		*p = append(*p, Problem{Code: missingDetails, Message: "the row has neither an individual's names nor a company's details"})
		return
	case c.Type == individualType && company, c.Type == companyType && individual:
		p.add("type_mismatch", customerType, "customerType does not match the details: Individual needs firstName and lastName, LegalEntity a company's")
	}
	required := companyFields
	if individual {
		required = individualFields
	}
	for _, f := range required {
		if *f.in(c) == "" {
			p.add(missingCode(f), f, f.String()+" is missing")
		}
	}
}

// BothDetails is the code of a row that has details of both kinds of customer.
const BothDetails = "both_details"

// bothDetails is the problem of a customer with details of both kinds. The only detail
// of one kind, beside several of the other, is the one at fault.
func (c *Customer) bothDetails() Problem {
	of, by := c.given(individualFields), c.given(companyFields)
	p := Problem{Code: BothDetails, Message: "the row has details of an individual (" + strings.Join(of, ", ") + ") and of a company (" + strings.Join(by, ", ") + "); it must have one of them"}
	switch {
	case len(by) == 1 && len(of) > 1:
		p.Field = by[0]
	case len(of) == 1 && len(by) > 1:
		p.Field = of[0]
	}
	return p
}

// given are those of some fields that a customer has values for.
func (c *Customer) given(fields []field) (names []string) {
	for _, f := range fields {
		if *f.in(c) != "" {
			names = append(names, f.String())
		}
	}
	return names
}

// missingDetails is the code of a row that has details of no kind of customer.
const missingDetails = "missing_details"

// missingCode is the code of a row without a field that it needs.
func missingCode(f field) string { return "missing_" + snake(f.String()) }

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
	case isEmail(address) || isDamaged(address):
	case strings.ContainsFunc(address, isUnseen):
		p.add("invalid_customer_email", customerEmail, "customerEmail has a character in it that cannot be seen, such as a no-break space; type the address again")
	default:
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
	if err != nil || address.Name != "" || strings.ContainsAny(s, "<>() \t") || strings.ContainsFunc(s, isUnseen) {
		return false
	}
	return isDomain(s[strings.LastIndexByte(s, '@')+1:])
}

// isUnseen reports what is in an address by accident only: a zero-width space, a
// byte order mark, a mark of direction, a space that is none of ASCII's. It would
// make another customer of one that looks the same.
func isUnseen(r rune) bool {
	return r > unicode.MaxASCII && (unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) || isInvisible(r))
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
