package session

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// envelope is a reply taken apart.
type envelope struct {
	status    int  // HTTP
	json      bool // the body was the API's envelope
	hasCode   bool // it had a statusCode
	code      int  // the statusCode
	words     string
	sessionID string
	malformed string // why what stood for a session id is none, if that is known
	expires   time.Time
	token     Secret // of a reply to askToken
}

// errTrailing is more than one value in a body.
var errTrailing = errors.New("there is something behind the JSON")

// succeeded reports a reply that gives a session id, of whatever form.
func (r *envelope) succeeded() bool {
	return r.json && isSuccess(r.status) && (!r.hasCode || isSuccess(r.code)) && r.sessionID != "" && r.malformed == ""
}

func isSuccess(code int) bool { return 200 <= code && code < 300 }

// maxNumber bounds, in bytes, how long a number or a date is that is read.
const maxNumber = 40

// statusCodeOf reads a statusCode: a whole number in any form that JSON has for
// one (400, 400.0, 4e2), or a string of digits. Nothing else is a status code.
func statusCodeOf(kind jsontext.Kind, text []byte) (int, bool) {
	digits := !bytes.ContainsFunc(text, func(c rune) bool { return c < '0' || '9' < c })
	switch {
	case len(text) == 0 || len(text) > maxNumber:
		return 0, false
	case len(text) <= 4 && digits: // as nearly always
		n, err := strconv.Atoi(string(text))
		return n, err == nil
	case kind == '0', kind == '"' && digits:
		n, err := strconv.ParseFloat(string(text), 64)
		return int(n), err == nil && n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
	}
	return 0, false
}

// expiryForms are RFC 3339, and what .NET writes: seven digits of a fraction,
// and no zone for a time in UTC. Go reads a fraction without being asked to.
var expiryForms = [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05"}

// expiryOf reads an expiryDate, in UTC when it names no zone. One that cannot
// be read is none: it is not part of the contract.
func expiryOf(text []byte) time.Time {
	if len(text) > maxNumber {
		return time.Time{}
	}
	for _, form := range expiryForms {
		if at, err := time.Parse(form, string(text)); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
