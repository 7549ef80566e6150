package source

import "strings"

// readPlain reads an object as nearly all are: names that differ, strings
// without escapes, whole numbers, and no objects in it but the API's own two.
// Of any other it reports false, and what it has made of it until then counts
// for nothing: read alone decides what is odd, and a fuzz test checks
// that this one reads the same as read does, in a third of the time.
func (o *object) readPlain(text string) bool {
	p := plain{rest: text}
	return len(o.mapping.columns) == 0 && o.plainMembers(&p, "") && p.ended()
}

// plainMembers reads the object that comes next: the whole one, or the group
// of that name in it.
func (o *object) plainMembers(p *plain, group string) bool {
	var names nameSet
	if !p.take('{') {
		return false
	}
	for {
		name, ok := p.text()
		if !ok || !p.take(':') || !names.add(name) || !o.plainMember(p, group, name) {
			return false
		}
		if !p.take(',') {
			return p.take('}')
		}
	}
}

func (o *object) plainMember(p *plain, group, name string) bool {
	if group == "" && (name == individualGroup || name == companyGroup) {
		return o.plainMembers(p, name)
	}
	value, isText := p.text()
	if !isText && !p.word() {
		return false
	}
	f, known := fieldOf(name)
	if !known || group != "" && f.group() != group {
		return true
	}
	if !isText || o.seen[f] {
		return false
	}
	o.seen[f] = true
	*f.in(o.customer) = strings.TrimSpace(value)
	return true
}

// nameSet is the names of one object's members. There are few, and comparing
// them one by one costs less than any table.
type nameSet struct {
	names [32]string
	n     int
}

// add reports whether a name is new, and there is room for it.
func (s *nameSet) add(name string) bool {
	for _, before := range s.names[:s.n] {
		if before == name {
			return false
		}
	}
	if s.n == len(s.names) {
		return false
	}
	s.names[s.n] = name
	s.n++
	return true
}

// plain takes tokens from the front of JSON text. Each method reports false
// when something else comes next.
type plain struct{ rest string }

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
	end := 0
	for end < len(rest) && !endsText[rest[end]] {
		end++
	}
	if end == len(rest) || rest[end] != '"' {
		return "", false
	}
	p.rest = rest[end+1:]
	return rest[:end], true
}

// endsText are the bytes that end a string, or make it one that is not plain.
var endsText = bytesThat(func(c byte) bool { return c == '"' || c == '\\' || c < ' ' })

// word takes null, true, false or a whole number.
func (p *plain) word() bool {
	end := 0
	for end < len(p.rest) && ('a' <= p.rest[end] && p.rest[end] <= 'z' || '0' <= p.rest[end] && p.rest[end] <= '9') {
		end++
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word == "null" || word == "true" || word == "false" || word == "0" || word != "" && word[0] != '0' && strings.Trim(word, "0123456789") == ""
}
