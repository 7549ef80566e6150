package session

import (
	"strconv"
	"unicode/utf8"

	"bulkonboard/source"
)

// bodyOf appends to dst the JSON body of a request for a customer, with the
// configuration's fields in front: prefix is everything up to, and without, the
// formId member.
func bodyOf(c *source.Customer, dst, prefix []byte) []byte {
	dst = append(dst, prefix...)
	group := ""
	for f, value := range c.Sent() {
		dst = append(dst, ',')
		if f.Group != group { // which are the last members
			group = f.Group
			dst = append(append(append(dst, '"'), group...), `":{`...)
		}
		dst = append(append(append(dst, '"'), f.Name...), `":`...)
		if f.Boolean {
			dst = strconv.AppendBool(dst, value == "true")
		} else {
			dst = quote(dst, value)
		}
	}
	if group != "" {
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
