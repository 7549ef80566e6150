package source

import (
	"strings"
	"unicode"
)

// field numbers the canonical fields in the order of the request's body.
type field int

const (
	formID field = iota
	customerType
	customerEmail
	customerMobileNumber
	employeeID
	clientID
	sendEmail
	firstName
	lastName
	fullName
	registrationNumber
	tradingName
	fieldCount
)

// String gives the canonical name: that of the API guide.
func (f field) String() string {
	return [fieldCount]string{
		"formId", "customerType", "customerEmail", "customerMobileNumber", "employeeId", "clientId", "sendEmail",
		"firstName", "lastName", "fullName", "registrationNumber", "tradingName",
	}[f]
}

// group is the object of the request that holds the field, or "".
func (f field) group() string {
	switch f {
	case firstName, lastName:
		return individualGroup
	case fullName, registrationNumber, tradingName:
		return companyGroup
	default:
		return ""
	}
}

// The two objects of a request, and of the nested shape of a JSONL record.
const (
	individualGroup = "individual"
	companyGroup    = "company"
)

func individualFields() []field { return []field{firstName, lastName} }
func companyFields() []field    { return []field{fullName, registrationNumber, tradingName} }

// DetailNames are the names of the fields that are an individual's or a company's.
func DetailNames() []string {
	var names []string
	for _, f := range append(individualFields(), companyFields()...) {
		names = append(names, f.String())
	}
	return names
}

// in is the place of the field's value in c.
func (f field) in(c *Customer) *string { return c.fields()[f] }

// fields are the places of all values, by field.
func (c *Customer) fields() [fieldCount]*string {
	return [fieldCount]*string{
		&c.FormID, &c.Type, &c.Email, &c.MobileNumber, &c.EmployeeID, &c.ClientID, &c.SendEmail,
		&c.FirstName, &c.LastName, &c.FullName, &c.RegistrationNumber, &c.TradingName,
	}
}

// FieldNames lists the canonical field names in the order of the request.
func FieldNames() []string {
	names := make([]string, fieldCount)
	for f := range fieldCount {
		names[f] = f.String()
	}
	return names
}

// folded is a name as names are compared: in lower case, without white space,
// "_", "-" and ".".
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '_' || r == '-' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// fieldsByName has every name that fieldOf knows: as the guide spells it, which
// is how nearly all come and costs least, and folded.
var fieldsByName = func() map[string]field {
	names := map[string]field{}
	for f := range fieldCount {
		names[f.String()] = f
		names[folded(f.String())] = f
		names[f.group()+folded(f.String())] = f
	}
	return names
}()

// fieldOf finds the canonical field that a header names, alone or with the
// prefix of its object ("individual.firstName"). There are no other aliases: a
// wrong guess would send one customer's data as another's.
func fieldOf(name string) (field, bool) {
	f, known := fieldsByName[name]
	if !known {
		f, known = fieldsByName[folded(name)]
	}
	return f, known
}
