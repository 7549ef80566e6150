package session

import "strings"

// plainReply reads an envelope that is just what the guide shows, as nearly
// all are: members of these names and types, each at most once, and strings of
// ASCII without escapes. Of any other it makes nothing of its own and reports
// false: anyReply alone decides what is odd, and a fuzz test holds this one to
// reading the same as it does, in a tenth of the time.
func plainReply(status int, body []byte) (r reply, ok bool) {
	r = reply{status: status, json: true}
	p := plain{rest: body}
	var seen memberSet
	for open := byte('{'); p.take(open); open = ',' {
		name, ok := p.text()
		if !ok || !p.take(':') || !seen.add(name) || !p.member(string(name), &r) {
			return reply{}, false
		}
	}
	return r, p.take('}') && p.ended() && seen.envelope()
}

// memberSet is the members of an envelope that were seen.
type memberSet struct{ version, statusCode, messages, result bool }

// add reports whether a name is new, and one of the envelope's.
func (s *memberSet) add(name []byte) bool {
	var seen *bool
	switch string(name) {
	case "version":
		seen = &s.version
	case "statusCode":
		seen = &s.statusCode
	case "messages":
		seen = &s.messages
	case "result":
		seen = &s.result
	default:
		return false
	}
	again := *seen
	*seen = true
	return !again
}

// envelope reports whether what was seen makes an envelope.
func (s *memberSet) envelope() bool { return s.statusCode || s.messages || s.result }

// plain takes tokens from the front of JSON text. Each method reports false
// when something else comes next, and the text is then of no further use.
type plain struct{ rest []byte }

// member takes the value of a member.
func (p *plain) member(name string, r *reply) (ok bool) {
	if name != "statusCode" && p.null() {
		return true
	}
	switch name {
	case "version":
		_, ok = p.text()
	case "statusCode":
		r.code, ok = p.number()
	case "messages":
		r.messages, ok = p.list()
	case "result":
		r.sessionID, ok = p.result()
	}
	return ok
}

func (p *plain) result() (sessionID string, ok bool) {
	if !p.take('{') {
		return "", false
	}
	name, ok := p.text()
	if !ok || string(name) != "sessionId" || !p.take(':') {
		return "", false
	}
	id, ok := p.text()
	return strings.TrimSpace(string(id)), ok && p.take('}')
}

// list takes a list of strings and joins them.
func (p *plain) list() (joined string, ok bool) {
	if !p.take('[') {
		return "", false
	}
	if p.take(']') {
		return "", true
	}
	text, ok := p.text()
	for joined = string(text); ok && p.take(','); joined += "; " + string(text) {
		text, ok = p.text()
	}
	return joined, ok && p.take(']')
}

// space drops white space.
func (p *plain) space() {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\r' || p.rest[0] == '\t') {
		p.rest = p.rest[1:]
	}
}

// take takes one character, if that comes next.
func (p *plain) take(c byte) bool {
	p.space()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *plain) ended() bool {
	p.space()
	return len(p.rest) == 0
}

func (p *plain) null() bool {
	p.space()
	if len(p.rest) < len("null") || string(p.rest[:len("null")]) != "null" {
		return false
	}
	p.rest = p.rest[len("null"):]
	return true
}

// text takes a string.
func (p *plain) text() (text []byte, ok bool) {
	if !p.take('"') {
		return nil, false
	}
	for i, c := range p.rest {
		switch {
		case c == '"':
			text, p.rest = p.rest[:i], p.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

// number takes a whole number of up to nine digits that is not zero.
func (p *plain) number() (n int, ok bool) {
	p.space()
	digits := 0
	for digits < min(len(p.rest), 9) && '0' <= p.rest[digits] && p.rest[digits] <= '9' {
		n = 10*n + int(p.rest[digits]-'0')
		digits++
	}
	ok = digits > 0 && p.rest[0] != '0'
	p.rest = p.rest[digits:]
	return n, ok
}
