package source

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// resultMember is the object that an earlier run added to a line.
const resultMember = "onboarding"

// objectRecord makes a record of one JSONL line.
func (l *List) objectRecord(ln line) *Record {
	rec := l.begin(ln.raw, 1)
	text := string(ln.raw[:ln.body])
	if len(text) > maxObject {
		return rec.malformed(text, Problem{Code: "line_too_long", Message: fmt.Sprintf("line %d is over 1 MiB", rec.Line)})
	}
	if p := checkText(text, rec.Offset); p != nil {
		return rec.malformed(text, *p)
	}
	rec.Text = text
	o := object{decoder: jsontext.NewDecoder(strings.NewReader(text)), customer: &rec.Customer}
	if err := o.read(); err != nil {
		return rec.malformed(text, objectProblem(rec.Line, err))
	}
	if rec.Problems = o.problems; len(rec.Problems) == 0 {
		rec.Problems = Validate(&rec.Customer)
	}
	return rec
}

// object reads a customer from one JSON object, in the API's own nested shape,
// flat, or mixed. Unknown members mean nothing here.
type object struct {
	decoder  *jsontext.Decoder
	customer *Customer
	problems []Problem
	seen     [fieldCount]bool
}

var errNotObject = errors.New("not an object")

// read reads the object and makes sure that nothing follows it.
func (o *object) read() error {
	if kind := o.decoder.PeekKind(); kind != '{' {
		if _, err := o.decoder.ReadValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if err := o.members(""); err != nil {
		return err
	}
	if _, err := o.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows the object")
	}
	return nil
}

// members reads the members of the object that comes next. group is the name
// of the object that it is in, or "".
func (o *object) members(group string) error {
	if _, err := o.decoder.ReadToken(); err != nil {
		return err
	}
	for o.decoder.PeekKind() != '}' {
		token, err := o.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := o.member(group, token.String()); err != nil {
			return err
		}
	}
	_, err := o.decoder.ReadToken()
	return err
}

func (o *object) member(group, name string) error {
	kind := o.decoder.PeekKind()
	if inner := folded(name); group == "" && kind == '{' && (inner == individualGroup || inner == companyGroup) {
		return o.members(inner)
	}
	f, known := fieldOf(name)
	if !known || name == resultMember || group != "" && f.group() != group {
		return o.decoder.SkipValue()
	}
	return o.value(f, kind)
}

// value reads the value of a field. A number is not taken for a string: 0123
// and 1e3 would not survive it.
func (o *object) value(f field, kind jsontext.Kind) error {
	token, err := jsontext.Token{}, error(nil)
	if kind == '{' || kind == '[' {
		err = o.decoder.SkipValue()
	} else {
		token, err = o.decoder.ReadToken()
	}
	switch {
	case err != nil:
		return err
	case kind == 'n':
		return nil
	case o.seen[f]:
		o.problem("duplicate_member", f, "is given twice")
	case kind == '"':
		*f.in(o.customer) = strings.TrimSpace(token.String())
	case f == sendEmail && (kind == 't' || kind == 'f'):
		*f.in(o.customer) = token.String()
	default:
		o.problem("wrong_type", f, "must be a string")
	}
	o.seen[f] = true
	return nil
}

func (o *object) problem(code string, f field, what string) {
	o.problems = append(o.problems, Problem{Code: code, Field: f.String(), Message: f.String() + " " + what})
}

// objectProblem says what is wrong with a line that is no usable object. The
// parser's words are not repeated: they can quote the line.
func objectProblem(line int64, err error) Problem {
	switch {
	case errors.Is(err, errNotObject):
		return Problem{Code: "not_an_object", Message: fmt.Sprintf("line %d is JSON, but no object", line)}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return Problem{Code: "duplicate_member", Message: fmt.Sprintf("line %d: the object has two members of the same name", line)}
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d, column %d: this is no valid JSON", line, syntax.ByteOffset+1)}
	}
	return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d: this is no single JSON object", line)}
}
