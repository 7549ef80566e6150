package session

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxName is longer than every member name that is looked for.
const maxName = 24

// reader takes replies apart, one after another, each in one pass. What it
// keeps of a reply is bounded, however large the reply is.
type reader struct {
	sent     io.LimitedReader // the body as it is sent
	unpacked io.LimitedReader // without its encoding
	body     bytes.Buffer
	decoder  *jsontext.Decoder
	reasons  []reason
	words    []byte // what the reasons say
	visited  int    // values that were asked for their words
	scratch  []byte // a string without its escapes
	name     [maxName]byte
}

// readers are lent to one call each.
var readers = sync.Pool{New: func() any {
	return &reader{decoder: jsontext.NewDecoder(new(bytes.Buffer))}
}}

// giveBack leaves the rare large buffer to the garbage collector.
func (rd *reader) giveBack() {
	if rd.body.Cap() <= 64<<10 {
		rd.sent.R, rd.unpacked.R = nil, nil
		readers.Put(rd)
	}
}

// leniency is what a reply may have and JSON may not. A message in another
// encoding does not cost the session id beside it. Members that come twice are
// judged where they matter, as only there they can do harm.
var leniency = []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}

// parse reads the body of a reply with the given HTTP status. What it returns
// shares no memory with the body.
func (rd *reader) parse(status int) envelope {
	if bytes.HasPrefix(rd.body.Bytes(), []byte("\ufeff")) {
		rd.body.Next(len("\ufeff"))
	}
	body := rd.body.Bytes()
	rd.reasons = rd.reasons[:0]
	rd.decoder.Reset(&rd.body, leniency...)
	r := envelope{status: status}
	err := rd.value(&r)
	switch {
	case err != nil:
		r = envelope{status: status, words: plainText(body)} // half of a reply is none
	case !r.succeeded():
		r.words = rd.say()
	}
	return r
}

// value reads the one value that a body may have. A text alone is a reason.
func (rd *reader) value(r *envelope) error {
	var err error
	if rd.decoder.PeekKind() == '{' {
		err = rd.envelope(r)
	} else {
		err = rd.reason(false)
	}
	if err != nil {
		return err
	}
	if _, err := rd.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// envelope reads the members of the API's envelope, and those of other bodies
// that say why a call failed (RFC 9457, and what frameworks make of it).
func (rd *reader) envelope(r *envelope) error {
	var e seen
	err := rd.members(func(name []byte) error {
		switch string(name) {
		case "statuscode":
			return rd.statusCode(r, &e)
		case "result":
			e.result = true
			return rd.result(r)
		case "messages":
			e.messages = true
			return rd.reason(false)
		case "errors":
			return rd.reason(true)
		case "message", "detail", "title", "error", "error_description":
			return rd.reason(false)
		default:
			return rd.decoder.SkipValue()
		}
	})
	if e.odd {
		r.code, r.hasCode = 0, false
	}
	r.json = !e.odd && (e.status || e.result || e.messages)
	return err
}

// seen is what an object had of the envelope's members.
type seen struct {
	status, result, messages bool
	odd                      bool // a statusCode is none, or there are two
}

// statusCode reads a statusCode. One that is none, or two that differ, leave no
// way to tell what the reply means.
func (rd *reader) statusCode(r *envelope, e *seen) error {
	raw, err := rd.decoder.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	text := []byte(raw)
	if raw.Kind() == '"' {
		text = rd.unquote(raw)
	}
	code, ok := statusCodeOf(raw.Kind(), text)
	e.odd = e.odd || !ok || e.status && code != r.code
	e.status, r.code, r.hasCode = true, code, true
	return nil
}

// result reads the session id, and until when it is good.
func (rd *reader) result(r *envelope) error {
	if rd.decoder.PeekKind() != '{' {
		return rd.decoder.SkipValue()
	}
	return rd.members(func(name []byte) error {
		switch string(name) {
		case "sessionid":
			return rd.sessionID(r)
		case "expirydate":
			raw, err := rd.decoder.ReadValue()
			if err == nil && raw.Kind() == '"' {
				r.expires = expiryOf(rd.unquote(raw))
			}
			return err
		case "token":
			raw, err := rd.decoder.ReadValue()
			if err == nil && raw.Kind() == '"' {
				r.token = Secret(bytes.TrimSpace(rd.unquote(raw)))
			}
			return err
		default:
			return rd.decoder.SkipValue()
		}
	})
}

// sessionID reads a session id as it is, or notes why it is none.
func (rd *reader) sessionID(r *envelope) error {
	raw, err := rd.decoder.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	if raw.Kind() != '"' {
		r.malformed = "is not a string"
		return nil
	}
	id := rd.unquote(raw)
	switch {
	case len(bytes.TrimSpace(id)) == 0: // as good as none
	case len(id) > maxSessionID:
		r.malformed = "is too long"
	case r.sessionID == "":
		r.sessionID = string(id)
		r.malformed = cmp.Or(r.malformed, faultOfSessionID(r.sessionID))
	case r.sessionID != string(id):
		r.malformed = "differs from another one in the same answer"
	}
	return nil
}

// members calls read for each member of the object that comes next, with its
// name in lower case. Member names are compared without regard to ASCII case,
// since .NET writes them in either.
func (rd *reader) members(read func(name []byte) error) error {
	if _, err := rd.decoder.ReadToken(); err != nil {
		return err
	}
	for rd.decoder.PeekKind() == '"' {
		raw, err := rd.decoder.ReadValue()
		if err != nil {
			return err
		}
		if err := read(rd.folded(rd.unquote(raw))); err != nil {
			return err
		}
	}
	_, err := rd.decoder.ReadToken()
	return err
}

// folded is a name in lower case; empty when it is longer than any known one.
func (rd *reader) folded(name []byte) []byte {
	if len(name) > len(rd.name) {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		rd.name[i] = c
	}
	return rd.name[:len(name)]
}

// unquote is the text of a JSON string, until the next one is unquoted. What is
// not UTF-8 in it becomes U+FFFD.
func (rd *reader) unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	rd.scratch, _ = jsontext.AppendUnquote(rd.scratch[:0], raw)
	return rd.scratch
}
