package source

import "strings"

// readPlain reads an object as nearly all are: names that differ, strings
// without escapes, whole numbers and words, and no objects in it but the API's
// own two.
// Of any other it reports false, and what it has made of it until then counts
// for nothing: read alone decides what is odd, and a fuzz test checks
// that this one reads the same as read does, in a small part of the time.
func (o *object) readPlain(text string) bool {
	p := plain{rest: text, values: o.customer.places()}
	return len(o.mapping.columns) == 0 && o.plainMembers(&p, &o.whole, "") && p.ended()
}

// plainMembers reads the object that comes next: the whole one, or the group
// of that name in it.
func (o *object) plainMembers(p *plain, names *nameSet, group string) bool {
	if !p.take('{') {
		return false
	}
	names.begin()
	for {
		name := names.take(p, group)
		if name == nil || !o.plainMember(p, name) {
			return false
		}
		if !p.take(',') {
			return p.take('}')
		}
	}
}

// plainMember reads the value of a member. Of the fields, only sendEmail can be
// anything but a string.
func (o *object) plainMember(p *plain, name *plainName) bool {
	switch name.group {
	case individualGroup:
		return o.plainMembers(p, &o.individual, individualGroup)
	case companyGroup:
		return o.plainMembers(p, &o.company, companyGroup)
	}
	value, isText := p.text()
	if !isText {
		if value = p.word(); value == "" {
			return false
		}
	}
	switch {
	case !name.known, !isText && value == "null":
		return true
	case !isText && name.field != sendEmail, o.seen[name.field]:
		return false
	}
	o.seen[name.field] = true
	*p.values[name.field] = trimmed(value)
	return true
}

// nameSet is the names of one object's members. Nearly all objects of a list have
// the same ones in the same order, so those of the object before are kept: what is
// the same needs neither be taken apart nor looked up again.
type nameSet struct {
	names  [32]plainName
	n      int  // how many there are; those behind are of objects before this one
	before int  // how many the object before this one had, each of them once
	same   bool // all are those of the object before
}

// plainName is a name and what it means.
type plainName struct {
	text  string // as it is written, from quote to colon; empty before there is one
	name  string
	group string // that it is of: the value is an object
	field field
	known bool // it is that of field
}

// longestName bounds what is kept of an object, in bytes.
const longestName = 128

// begin turns to another object.
func (s *nameSet) begin() { s.n, s.before, s.same = 0, s.n, true }

// take takes the next name from an object, which is the whole one or a group, if it
// is new there and there is room for it.
func (s *nameSet) take(p *plain, group string) *plainName {
	if s.n == len(s.names) {
		return nil
	}
	name := &s.names[s.n]
	if p.space(); name.text == "" || !strings.HasPrefix(p.rest, name.text) {
		s.same = false
		if !name.read(p, group) {
			return nil
		}
	} else {
		p.rest = p.rest[len(name.text):]
	}
	if s.same = s.same && s.n < s.before; !s.same && s.has(name.name) {
		return nil
	}
	s.n++
	return name
}

// has compares names one by one, which costs less than any table: there are few.
func (s *nameSet) has(name string) bool {
	for i := range s.names[:s.n] {
		if s.names[i].name == name {
			return true
		}
	}
	return false
}

// read takes a name, and finds out what it means. The result of an earlier run is
// nothing plain.
func (n *plainName) read(p *plain, group string) bool {
	before := p.rest
	name, ok := p.text()
	if !ok || !p.take(':') || group == "" && name == ResultMember {
		return false
	}
	text := before[:len(before)-len(p.rest)]
	if len(text) > longestName {
		return false
	}
	text = strings.Clone(text) // and not the whole object with it
	*n = plainName{text: text, name: text[1 : 1+len(name)]}
	if group == "" && (name == individualGroup || name == companyGroup) {
		n.group = n.name
		return true
	}
	n.field, n.known = fieldOf(name)
	n.known = n.known && (group == "" || n.field.group() == group)
	return true
}

// plain takes tokens from the front of JSON text. Each method reports false
// when something else comes next.
type plain struct {
	rest   string
	values [fieldCount]*string // where those of the fields go
}

// space drops white space.
func (p *plain) space() {
	for p.rest != "" && (p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\r' || p.rest[0] == '\t') {
		p.rest = p.rest[1:]
	}
}

// take takes one character.
func (p *plain) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *plain) ended() bool {
	p.space()
	return p.rest == ""
}

// text takes a string, which shares the memory of the whole.
func (p *plain) text() (text string, ok bool) {
	p.space()
	if p.rest == "" || p.rest[0] != '"' {
		return "", false
	}
	rest := p.rest[1:]
	end := untilTextEnds(rest)
	if end == len(rest) || rest[end] != '"' {
		return "", false
	}
	p.rest = rest[end+1:]
	return rest[:end], true
}

// endsText are the bytes that end a string, or make it one that is not plain.
var endsText = bytesThat(func(c byte) bool { return c == '"' || c == '\\' || c < ' ' })

// word takes null, true, false or a whole number. "" is none.
func (p *plain) word() string {
	end := 0
	for end < len(p.rest) && ('a' <= p.rest[end] && p.rest[end] <= 'z' || '0' <= p.rest[end] && p.rest[end] <= '9') {
		end++
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	if word == "null" || word == "true" || word == "false" || word == "0" || isDigits(word) && word[0] != '0' {
		return word
	}
	return ""
}
