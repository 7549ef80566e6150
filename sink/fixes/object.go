package fixes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"bulkonboard/source"
)

var (
	errUnreadable = errors.New("it cannot be read as a row; correct it in the rejects (--rejects), and run these")
	errNotScalar  = errors.New("there is an object or a list in that place")
)

// leaf is a text, number, word or null in an object, and where it stands in the
// object's text.
type leaf struct {
	path     string
	from, to int
	kind     jsontext.Kind
	value    string // as a sheet shows it
}

// branch is an object, and where the brace stands that closes it.
type branch struct {
	path  string
	end   int
	empty bool
}

// tree is what a sheet shows of an object: everything but lists, and but the
// result.
type tree struct {
	leaves   []leaf
	branches []branch
	others   []string // paths of lists
}

// pathTo is the path to a member of the object at a path. A dot in a name is
// told from one between two names.
func pathTo(path, name string) string {
	name = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
	if path == "" {
		return name
	}
	return path + "." + name
}

// namesOf takes a path apart.
func namesOf(path string) []string {
	names, escaped := []string{""}, false
	for _, r := range path {
		last := &names[len(names)-1]
		switch {
		case escaped || r != '\\' && r != '.':
			*last += string(r)
			escaped = false
		case r == '\\':
			escaped = true
		default:
			names = append(names, "")
		}
	}
	return names
}

// treeOf reads an object.
func treeOf(text string) (*tree, error) {
	t := &tree{}
	d := jsontext.NewDecoder(strings.NewReader(text))
	if d.PeekKind() != '{' {
		return nil, errUnreadable
	}
	return t, t.read(d, "")
}

// read reads the object that comes next.
func (t *tree) read(d *jsontext.Decoder, path string) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	empty := true
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		empty = false
		if err := t.member(d, path, name); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	t.branches = append(t.branches, branch{path, int(d.InputOffset()) - 1, empty})
	return err
}

// member reads the value of a member.
func (t *tree) member(d *jsontext.Decoder, path, name string) error {
	to := pathTo(path, name)
	kind := d.PeekKind()
	switch {
	case path == "" && name == source.ResultMember, name == "": // no path leads to a member without a name
		return d.SkipValue()
	case kind == '{':
		return t.read(d, to)
	case kind == '[':
		t.others = append(t.others, to)
		return d.SkipValue()
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	end := int(d.InputOffset())
	t.leaves = append(t.leaves, leaf{to, end - len(raw), end, kind, shown(kind, raw)})
	return nil
}

// shown is a value as a sheet shows it. A null is shown as nothing.
func shown(kind jsontext.Kind, raw jsontext.Value) string {
	switch kind {
	case 'n':
		return ""
	case '"':
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return string(raw)
		}
		return string(text)
	default:
		return string(raw)
	}
}

// with gives the text of an object with another value at a path. What stands
// there as a number or a word stays one, unless it must be a text.
func (t *tree) with(text, path, value string, mustBeText bool) (string, error) {
	if i := slices.IndexFunc(t.leaves, func(l leaf) bool { return l.path == path }); i >= 0 {
		l := &t.leaves[i]
		written := quoted(value)
		if !mustBeText && l.kind != '"' && l.kind != 'n' && jsontext.Value(value).IsValid() && jsontext.Value(value).Kind() != '"' {
			written = value
		}
		return text[:l.from] + written + text[l.to:], nil
	}
	names := namesOf(path)
	if slices.Contains(names, "") {
		return "", errUnreadable
	}
	for n := len(names) - 1; n >= 0; n-- {
		at := ""
		for _, name := range names[:n] {
			at = pathTo(at, name)
		}
		if t.taken(pathTo(at, names[n])) {
			return "", fmt.Errorf("%s: %w", path, errNotScalar)
		}
		if i := slices.IndexFunc(t.branches, func(b branch) bool { return b.path == at }); i >= 0 {
			return t.branches[i].insert(text, names[n:], value), nil
		}
	}
	return "", errUnreadable
}

// taken reports a path at which something else than an object stands already,
// or an object at the very end of a path.
func (t *tree) taken(path string) bool {
	return slices.Contains(t.others, path) || slices.ContainsFunc(t.leaves, func(l leaf) bool { return l.path == path }) ||
		slices.ContainsFunc(t.branches, func(b branch) bool { return b.path == path })
}

// insert puts a member into the object, inside of objects of its own if it has
// several names.
func (b *branch) insert(text string, names []string, value string) string {
	member := quoted(value)
	for _, name := range slices.Backward(names[1:]) {
		member = "{" + quoted(name) + ":" + member + "}"
	}
	member = quoted(names[0]) + ":" + member
	if !b.empty {
		member = "," + member
	}
	return text[:b.end] + member + text[b.end:]
}

// quoted is a text as JSON has it.
func quoted(text string) string {
	b, _ := jsontext.AppendQuote(nil, text) // what is not UTF-8 has been refused
	return string(b)
}
