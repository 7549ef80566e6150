package session

import (
	"strconv"
	"unicode/utf8"
)

// Request is one customer. Empty fields are absent from the body. It is only
// read, and may be shared by attempts.
type Request struct {
	FormID       string
	CustomerType string // "Individual" or "LegalEntity"
	Email        string
	MobileNumber string
	EmployeeID   string
	ClientID     string
	SendEmail    string // "", "true" or "false"

	FirstName, LastName                       string // of an Individual
	FullName, RegistrationNumber, TradingName string // of a LegalEntity
}

// body appends the JSON body of r to dst, with the configuration's fields in
// front: prefix is everything up to, and without, the formId member.
func (r *Request) body(dst []byte, prefix []byte) []byte {
	dst = append(dst, prefix...)
	dst = member(dst, "formId", r.FormID)
	dst = member(dst, "customerType", r.CustomerType)
	dst = member(dst, "customerEmail", r.Email)
	dst = optional(dst, "customerMobileNumber", r.MobileNumber)
	dst = optional(dst, "employeeId", r.EmployeeID)
	dst = optional(dst, "clientId", r.ClientID)
	if r.SendEmail != "" {
		dst = append(dst, `,"sendEmail":`...)
		dst = strconv.AppendBool(dst, r.SendEmail == "true")
	}
	switch r.CustomerType {
	case "Individual":
		dst = append(dst, `,"individual":{"firstName":`...)
		dst = quote(dst, r.FirstName)
		dst = member(dst, "lastName", r.LastName)
		dst = append(dst, '}')
	case "LegalEntity":
		dst = append(dst, `,"company":{"fullName":`...)
		dst = quote(dst, r.FullName)
		dst = member(dst, "registrationNumber", r.RegistrationNumber)
		dst = member(dst, "tradingName", r.TradingName)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// prefixOf is the part of the body that is the same for every customer. It
// holds the secret, and lives as long as the client.
func prefixOf(appID string, secret Secret, tenantID string) []byte {
	dst := append([]byte(nil), `{"appId":`...)
	dst = quote(dst, appID)
	dst = member(dst, "appSecret", secret.Reveal())
	return member(dst, "tenantId", tenantID)
}

func member(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	return quote(dst, value)
}

func optional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return member(dst, name, value)
}

// quote appends s as a JSON string, RFC 8259 section 7, escaping only what
// must be: a name arrives as it is in the list. Invalid UTF-8, which a
// validated record cannot hold, becomes U+FFFD.
func quote(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i-1]...)
		from = i
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
