package source

import (
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// This file says when two records are of one customer, and when they are one
// and the same record.

// AppendCustomerKey appends to dst what identifies a customer as the API does:
// the e-mail address is the identity, and each form is a process of its own. Two
// records with one key are one customer. The form is compared as it is written;
// the e-mail without regard to the case of ASCII letters, because two spellings
// of one mailbox reach one person. Beyond ASCII, letters that are not the same
// have one lower case (the Kelvin sign and k, in some languages İ and i), and
// mail servers differ: there two spellings are two customers.
func AppendCustomerKey(dst []byte, formID, email string) []byte {
	dst = append(append(dst, strings.TrimSpace(formID)...), '\n')
	email = strings.TrimSpace(email)
	for i := range len(email) {
		c := email[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendIdentity appends the identity of the record's customer: its
// AppendCustomerKey. formID is for a record that carries none.
func (r *Record) AppendIdentity(dst []byte, formID string) []byte {
	return AppendCustomerKey(dst, r.Customer.Form(formID), r.Customer.Email)
}

// Identity is the identity of the record's customer, as AppendIdentity has it.
func (r *Record) Identity(formID string) string { return string(r.AppendIdentity(nil, formID)) }

// Form is the form of a customer: its own, or else the one configured.
func (c *Customer) Form(configured string) string {
	if c.FormID != "" {
		return c.FormID
	}
	return configured
}

// Fingerprint tells records apart by their bytes, less the line end, which the
// last line of a list may get only when the list grows.
func (r *Record) Fingerprint() uint64 { return xxhash.Sum64(r.Bytes()) }

// Bytes are the record's, less the line end.
func (r *Record) Bytes() []byte {
	raw := r.Raw
	for len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r') {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// Changed is the *ChangedError of a record that is not the record that was in this
// row when its answer was looked for or received.
func (r *Record) Changed() error {
	return &ChangedError{
		At:     Position{Row: r.Row, Line: r.Line, Offset: r.Offset},
		Reason: fmt.Sprintf("row %d is not the row that was there before", r.Row),
	}
}
