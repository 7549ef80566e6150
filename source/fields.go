package source

import (
	"iter"
	"slices"
)

// Field is one field of a customer. All that depends on which fields there are
// is driven by the table of them: columns, request, digests, and what is cut out
// of messages.
type Field struct {
	Name     string // canonical: that of the API guide
	Group    string // the object of the request that holds it, or ""
	Identity bool   // says who the customer is: in the key of a ledger, and not in its digests
	Public   bool   // its values are not personal
	Optional bool   // absent from the request when empty
	Boolean  bool   // true or false in the request, and not a text
}

// The two objects of a request, and of the nested shape of a JSONL record.
const (
	individualGroup = "individual"
	companyGroup    = "company"
)

// field numbers the fields in the order of the request.
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

// fieldTable is the fields. Their order is that in which ledgers have digested
// them, and stays.
var fieldTable = [fieldCount]Field{
	formID:               {Name: "formId", Identity: true, Public: true},
	customerType:         {Name: "customerType", Public: true},
	customerEmail:        {Name: "customerEmail", Identity: true},
	customerMobileNumber: {Name: "customerMobileNumber", Optional: true},
	employeeID:           {Name: "employeeId", Optional: true},
	clientID:             {Name: "clientId", Optional: true},
	sendEmail:            {Name: "sendEmail", Public: true, Optional: true, Boolean: true},
	firstName:            {Name: "firstName", Group: individualGroup},
	lastName:             {Name: "lastName", Group: individualGroup},
	fullName:             {Name: "fullName", Group: companyGroup},
	registrationNumber:   {Name: "registrationNumber", Group: companyGroup},
	tradingName:          {Name: "tradingName", Group: companyGroup},
}

// places are where a customer has its values, by field.
func (c *Customer) places() [fieldCount]*string {
	return [fieldCount]*string{
		&c.FormID, &c.Type, &c.Email, &c.MobileNumber, &c.EmployeeID, &c.ClientID, &c.SendEmail,
		&c.FirstName, &c.LastName, &c.FullName, &c.RegistrationNumber, &c.TradingName,
	}
}

// Fields yields all fields of a customer with their values, in the order of the
// request.
func (c *Customer) Fields() iter.Seq2[*Field, string] {
	return func(yield func(*Field, string) bool) {
		for f, value := range c.places() {
			if !yield(&fieldTable[f], *value) {
				return
			}
		}
	}
}

// Sent yields the fields that a request for the customer has: those that are
// required, those that have a value, and those of the object of its type.
func (c *Customer) Sent() iter.Seq2[*Field, string] {
	var details string
	switch c.Type {
	case individualType:
		details = individualGroup
	case companyType:
		details = companyGroup
	}
	return func(yield func(*Field, string) bool) {
		for f, value := range c.Fields() {
			absent := f.Optional && value == "" || f.Group != "" && f.Group != details
			if !absent && !yield(f, value) {
				return
			}
		}
	}
}

// Value gives the value of the field with a canonical name.
func (c *Customer) Value(name string) string {
	for f, value := range c.Fields() {
		if f.Name == name {
			return value
		}
	}
	return ""
}

// fieldNames lists the canonical field names in the order of the request.
func fieldNames() []string {
	names := make([]string, fieldCount)
	for f := range fieldCount {
		names[f] = f.String()
	}
	return names
}

// DetailNames are the names of the fields that are an individual's or a company's.
func DetailNames() []string {
	var names []string
	for f := range fieldCount {
		if f.group() != "" {
			names = append(names, f.String())
		}
	}
	return names
}

// String gives the canonical name.
func (f field) String() string { return fieldTable[f].Name }

func (f field) group() string { return fieldTable[f].Group }

// in is the place of the field's value in c.
func (f field) in(c *Customer) *string { return c.places()[f] }

// individualFields and companyFields are those of the objects of a request.
var (
	individualFields = slices.Clip(fieldsIn(individualGroup))
	companyFields    = slices.Clip(fieldsIn(companyGroup))
)

func fieldsIn(group string) (fields []field) {
	for f := range fieldCount {
		if f.group() == group {
			fields = append(fields, f)
		}
	}
	return fields
}
