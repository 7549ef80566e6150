package source

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ResultMember is the object that a run adds to a line: its result.
const ResultMember = "onboarding"

// objectRecord makes a record of one JSONL line.
func (l *List) objectRecord(ln *line) *Record {
	rec := l.begin(ln.raw, 1)
	if l.decodeLater {
		rec.Text, rec.list, rec.body = l.charset.text(ln.raw[:ln.body]), l, ln.body
		return rec
	}
	l.decodeObject(rec, ln.body)
	return rec
}

// decodeObject completes a record from its line.
func (l *List) decodeObject(rec *Record, body int) {
	if body > l.maxObject() {
		l.malformed(rec, body, Problem{Code: "line_too_long", Message: fmt.Sprintf("line %d is over 1 MiB", rec.Line)})
		return
	}
	text := l.charset.text(rec.Raw[:body])
	rec.simple = isSimple(text) && strings.IndexByte(text, '\\') < 0
	if !rec.simple {
		if p := l.checkText(rec, body, text); p != nil {
			l.malformed(rec, body, *p)
			return
		}
	}
	rec.Text = text
	o := &l.object
	if o.begin(&rec.Customer); o.readPlain(text) {
		rec.Plain = plainObject(text)
	} else {
		o.begin(&rec.Customer)
		if err := o.read(text); err != nil {
			l.malformed(rec, body, objectProblem(rec.Line, text, err))
			return
		}
	}
	o.constants()
	if rec.Problems = o.problems; len(rec.Problems) == 0 {
		rec.Problems = l.validate(&rec.Customer, rec.simple)
	}
}

// plainObject is what Record.Plain is of an object that was read plainly. Among its
// members is no result of an earlier run.
func plainObject(text string) int {
	end := len(text) - 1
	if text[0] != '{' || text[end] != '}' || !isBare(text[1]) || !isBare(text[end-1]) || strings.IndexByte(text, '\r') >= 0 {
		return 0
	}
	return end
}

// maxObject bounds a line as maxRecord does a row.
func (l *List) maxObject() int {
	if l.results {
		return maxResult
	}
	return maxObject * l.charset.wide.size()
}

// object reads a customer from one JSON object, in the API's own nested shape,
// flat, or mixed. Unknown members mean nothing here. It is used for one line
// after the other, so that they share the memory of the decoder.
type object struct {
	mapping  *mapping
	text     strings.Reader
	decoder  jsontext.Decoder
	customer *Customer
	problems []Problem
	seen     [fieldCount]bool
	own      [1]field

	whole, individual, company nameSet // for readPlain
}

// begin turns to another line, whose customer is to be read into c.
func (o *object) begin(c *Customer) {
	*c = Customer{}
	o.customer, o.problems, o.seen = c, nil, [fieldCount]bool{}
}

var errNotObject = errors.New("not an object")

// read reads the object and makes sure that nothing follows it.
func (o *object) read(text string) error {
	o.text.Reset(text)
	o.decoder.Reset(&o.text)
	var kind error
	if o.decoder.PeekKind() == '{' {
		if err := o.members(""); err != nil {
			return err
		}
	} else {
		if _, err := o.decoder.ReadValue(); err != nil {
			return err
		}
		kind = errNotObject
	}
	if _, err := o.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows the value")
	}
	return kind
}

// members reads the members of the object that comes next. path is the folded
// names of the objects that it is in, joined by dots, or "".
func (o *object) members(path string) error {
	if _, err := o.decoder.ReadToken(); err != nil {
		return err
	}
	for o.decoder.PeekKind() != '}' {
		token, err := o.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := o.member(path, token.String()); err != nil {
			return err
		}
	}
	_, err := o.decoder.ReadToken()
	return err
}

func (o *object) member(path, name string) error {
	if path == "" && name == ResultMember {
		return o.decoder.SkipValue()
	}
	kind := o.decoder.PeekKind()
	inner := inside(path, name)
	if kind == '{' && o.enters(path, inner) {
		return o.members(inner)
	}
	fields := o.fields(path, name, inner)
	if len(fields) == 0 {
		return o.decoder.SkipValue()
	}
	return o.value(fields, kind)
}

// fields are those that a member is read as: the fields that --map gives it, or
// the field that it is named after.
func (o *object) fields(path, name, inner string) []field {
	if named := o.mapping.members[inner]; len(named) > 0 {
		return named
	}
	f, known := fieldOf(name)
	if _, told := o.mapping.columns[f]; !known || told || path != "" && f.group() != path {
		return nil
	}
	o.own[0] = f
	return o.own[:]
}

// FieldsAt gives the fields that a member of an object is read as. names are those
// of the objects that it is in, and its own.
func (l *List) FieldsAt(names []string) []string {
	o, path := &l.object, ""
	for _, name := range names[:len(names)-1] {
		inner := inside(path, name)
		if !o.enters(path, inner) {
			return nil
		}
		path = inner
	}
	name := names[len(names)-1]
	var fields []string
	for _, f := range o.fields(path, name, inside(path, name)) {
		fields = append(fields, f.String())
	}
	return fields
}

// MemberOf is where a field is looked for in an object: the names on the way to
// it. nil: nowhere.
func (l *List) MemberOf(name string) []string {
	for f := range fieldCount {
		if f.String() != name {
			continue
		}
		member, mapped := l.mapping.columns[f]
		switch {
		case l.mapping.isConstant(f) || mapped && member == "":
			return nil
		case mapped:
			return strings.Split(member, ".")
		}
		return []string{name}
	}
	return nil
}

// inside is the path to a member of the object at a path.
func inside(path, name string) string {
	if path == "" {
		return folded(name)
	}
	return path + "." + folded(name)
}

// enters reports whether the object at inner is read, which is in the one at
// path.
func (o *object) enters(path, inner string) bool {
	return path == "" && (inner == individualGroup || inner == companyGroup) || o.mapping.leadsInto(inner)
}

// value reads the value of fields. A number is not taken for a string: 0123
// and 1e3 would not survive it.
func (o *object) value(fields []field, kind jsontext.Kind) error {
	token, err := jsontext.Token{}, error(nil)
	if kind == '{' || kind == '[' {
		err = o.decoder.SkipValue()
	} else {
		token, err = o.decoder.ReadToken()
	}
	if err != nil || kind == 'n' {
		return err
	}
	for _, f := range fields {
		switch {
		case o.seen[f]:
			o.problem("duplicate_member", f, "is given twice")
		case kind == '"':
			*f.in(o.customer) = strings.TrimSpace(token.String())
		case f == sendEmail && (kind == 't' || kind == 'f' || kind == '0'):
			*f.in(o.customer) = token.String() // validation takes 1 and 0, and no other number
		default:
			o.problem("wrong_type", f, "must be a string")
		}
		o.seen[f] = true
	}
	return nil
}

// constants gives every object the values of --set, unless it has its own:
// which of the two is right cannot be guessed.
func (o *object) constants() {
	for _, c := range o.mapping.constants {
		if o.seen[c.field] {
			o.problem("set_twice", c.field, "is in the object and in --set; leave out the one, or type --map "+c.field.String()+"= so that the member is not read")
			continue
		}
		*c.field.in(o.customer) = c.value
	}
	if o.mapping.typeFollows {
		o.customer.Type = typeOf(o.customer)
	}
}

func (o *object) problem(code string, f field, what string) {
	o.problems = append(o.problems, Problem{Code: code, Field: f.String(), Message: f.String() + " " + what})
}

// objectProblem says what is wrong with a line that is not a usable object. The
// parser's words are not repeated: they can quote the line.
func objectProblem(line int64, text string, err error) Problem {
	switch text = strings.TrimSpace(text); {
	case strings.HasPrefix(text, "\x1e"):
		return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d begins with a record separator, which JSONL does not have; take it away: tr -d '\\036'", line)}
	case strings.HasPrefix(text, "//"), strings.HasPrefix(text, "/*"), strings.HasPrefix(text, "#"):
		return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d is a comment, which JSONL does not have; take the line away", line)}
	case text == "{":
		return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d begins an object that continues in the next line; put each object on one line: jq -c .", line)}
	case errors.Is(err, errNotObject):
		return Problem{Code: "not_an_object", Message: fmt.Sprintf("line %d is JSON, but no object", line)}
	case errors.Is(err, jsontext.ErrDuplicateName):
		return Problem{Code: "duplicate_member", Message: fmt.Sprintf("line %d: the object has two members of the same name", line)}
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d, column %d: this is not valid JSON", line, syntax.ByteOffset+1)}
	}
	return Problem{Code: "malformed_json", Message: fmt.Sprintf("line %d: this is not a single JSON object", line)}
}
