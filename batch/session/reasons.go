package session

import (
	"bytes"
	"errors"
)

const (
	// maxReasons is how many members with words are kept of one reply.
	maxReasons = 16

	// maxWords bounds, in bytes, what these say: it is more than is ever shown,
	// and more than any known refusal is long.
	maxWords = 4 << 10

	// maxVisited bounds how many values are asked for their words.
	maxVisited = 1000

	// maxDepth bounds how deep words may be nested. The deepest known form, a
	// list for each field in an object in "errors", has three levels.
	maxDepth = 4
)

// reason is a value that says why a call failed. It points into the body.
type reason struct {
	raw []byte
	all bool // every member of the object has words
}

// errEnough ends the search for words.
var errEnough = errors.New("there are words enough")

// reason keeps the value that comes next. Whether its words are needed is known
// only when the whole reply has been read.
func (rd *reader) reason(all bool) error {
	raw, err := rd.decoder.ReadValue()
	if err == nil && len(rd.reasons) < maxReasons {
		rd.reasons = append(rd.reasons, reason{raw, all})
	}
	return err
}

// say joins the words of the reasons.
func (rd *reader) say() string {
	rd.words, rd.visited = rd.words[:0], 0
	for _, r := range rd.reasons {
		rd.decoder.Reset(bytes.NewBuffer(r.raw), leniency...)
		if rd.wordsOf(0, r.all) != nil {
			break
		}
	}
	return string(rd.words)
}

// wordsOf adds what a value says: a text, the texts of a list, or those of the
// members of an object that carry words. all says that every member does, as in
// the "errors" of ASP.NET, which has a list of texts for each field.
func (rd *reader) wordsOf(depth int, all bool) error {
	if rd.visited++; rd.visited > maxVisited || len(rd.words) >= maxWords {
		return errEnough
	}
	kind := rd.decoder.PeekKind()
	switch {
	case kind == '"':
		raw, err := rd.decoder.ReadValue()
		if err == nil {
			rd.add(rd.unquote(raw))
		}
		return err
	case kind == '[' && depth < maxDepth:
		return rd.elements(func() error { return rd.wordsOf(depth+1, false) })
	case kind == '{' && depth < maxDepth:
		return rd.members(func(name []byte) error {
			if all || carriesWords(string(name)) {
				return rd.wordsOf(depth+1, false)
			}
			return rd.decoder.SkipValue()
		})
	default:
		return rd.decoder.SkipValue()
	}
}

// carriesWords knows the members that have words for people.
func carriesWords(name string) bool {
	switch name {
	case "message", "messages", "detail", "title", "error", "errors", "description", "errormessage", "error_description", "reason", "msg":
		return true
	}
	return false
}

// add adds a text. The last one may be cut.
func (rd *reader) add(text []byte) {
	if len(text) == 0 {
		return
	}
	if len(rd.words) > 0 {
		rd.words = append(rd.words, "; "...)
	}
	rd.words = append(rd.words, text[:min(len(text), maxWords)]...)
}

// elements calls read for each element of the list that comes next.
func (rd *reader) elements(read func() error) error {
	if _, err := rd.decoder.ReadToken(); err != nil {
		return err
	}
	for rd.decoder.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := rd.decoder.ReadToken()
	return err
}

// plainText is what a body that is not JSON says, where it may be a text for
// people: not a page, and not JSON that was cut off.
func plainText(body []byte) string {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || bytes.IndexByte([]byte(`<{["`), body[0]) >= 0 || bytes.IndexByte(body, 0) >= 0 {
		return ""
	}
	return string(body[:min(len(body), maxWords)])
}
