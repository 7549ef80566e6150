package source

import (
	"fmt"
	"slices"
	"strings"
)

// mapping is what was said about where fields come from. Fields that it does
// not name come from the column or member of their own name.
type mapping struct {
	columns   map[field]string   // by --map: the name of a column or member; "" for none
	members   map[string][]field // the same by path; the names on it are folded
	constants []constant         // by --set, in the order of the fields

	// typeFollows says that customerType comes from nowhere, and follows from the
	// details of each row.
	typeFollows bool
}

// Check finds everything that is wrong with options by themselves, before any
// list is opened.
func (o *Options) Check() []string {
	var problems []string
	if err := checkEncoding(o.Encoding); err != nil {
		problems = append(problems, err.Error())
	}
	_, wrong := o.mapping()
	return append(problems, wrong...)
}

// mapping reads --map and --set, and says what is wrong with them.
func (o *Options) mapping() (m mapping, wrong []string) {
	m.columns = map[field]string{}
	for _, text := range o.Map {
		f, name, err := assignment("--map", text, "COLUMN")
		if _, twice := m.columns[f]; err == nil && twice {
			err = fmt.Errorf("--map %s is given twice: leave one out", f)
		}
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		m.columns[f] = name
	}
	for _, text := range o.Set {
		c, err := m.constant(text)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		m.constants = append(m.constants, c)
	}
	m.members = map[string][]field{}
	for f := range fieldCount {
		if name := m.columns[f]; name != "" {
			for _, path := range memberPaths(name) {
				m.members[path] = append(m.members[path], f)
			}
		}
	}
	slices.SortFunc(m.constants, func(a, b constant) int { return int(a.field - b.field) })
	return m, append(wrong, m.shared()...)
}

// assignment takes FIELD=VALUE apart.
func assignment(flag, text, what string) (f field, value string, err error) {
	name, value, found := strings.Cut(text, "=")
	if !found && flag == "--map" { // which names no customer
		flag = fmt.Sprintf("--map is %q; it", text)
	}
	if !found {
		return 0, "", fmt.Errorf("%s takes FIELD=%s, where FIELD is one of %s", flag, what, strings.Join(fieldNames(), ", "))
	}
	f, known := fieldOf(name)
	if !known {
		return 0, "", fmt.Errorf("%s %s: there is no such field; %s", flag, shellWord(name), nearFields(name))
	}
	return f, strings.TrimSpace(value), nil
}

// shared refuses to read a column under its own name and under another. Two
// --map may name one column: that was typed, and not guessed.
func (m *mapping) shared() (wrong []string) {
	for f := range fieldCount {
		name, mapped := m.columns[f]
		if !mapped {
			continue
		}
		own, named := fieldOf(name)
		if _, told := m.columns[own]; named && own != f && !told {
			wrong = append(wrong, fmt.Sprintf("--map %s: that column is read as %s already; to read it as both, type --map %s too, and if there is no %s, --map %s=",
				shellAssignment(f, name), own, shellAssignment(own, name), own, own))
		}
	}
	return wrong
}

// memberPaths are the places that a name stands for: a member of that name,
// and, when it has dots, one inside other objects.
func memberPaths(name string) []string {
	paths := []string{folded(name)}
	names := strings.Split(name, ".")
	if len(names) > 1 {
		for i := range names {
			names[i] = folded(names[i])
		}
		paths = append(paths, strings.Join(names, "."))
	}
	return paths
}

// leadsInto reports whether --map names something inside the object at a path.
func (m *mapping) leadsInto(path string) bool {
	for member := range m.members {
		if strings.HasPrefix(member, path+".") {
			return true
		}
	}
	return false
}

// MappedField says where one field of the request comes from.
type MappedField struct {
	Field    string // its canonical name
	Column   string // the name of the column or member, as it was found
	Number   int    // of the column, from 1; 0 in JSONL
	Constant string // the value that every row has instead of a column, as it may be shown
}

// MappingTable lists where the fields come from, in the order of the request.
// Fields that come from nowhere are left out; in JSONL, where every object
// decides for itself, only those that --map and --set name are in it.
func (l *List) MappingTable() []MappedField {
	var table []MappedField
	for f := range fieldCount {
		if i := l.columnOf[f]; i > 0 {
			table = append(table, MappedField{Field: f.String(), Column: l.header[i-1], Number: i})
		} else if name := l.mapping.columns[f]; l.format == FormatJSONL && name != "" {
			table = append(table, MappedField{Field: f.String(), Column: name})
		}
		for _, c := range l.mapping.constants {
			if c.field == f {
				table = append(table, MappedField{Field: f.String(), Constant: c.shown()})
			}
		}
	}
	return table
}

// Mapping says in one line all that decides how a row becomes a customer, as a
// resumed run must find it again, but for the values that KeepConstants has.
func (l *List) Mapping() string {
	var parts []string
	if l.format == FormatJSONL {
		parts = append(parts, "members by name")
		for f := range fieldCount {
			if name, mapped := l.mapping.columns[f]; mapped && name == "" && (f != customerType || !l.mapping.typeFollows) {
				parts = append(parts, f.String()+" from nowhere")
			}
		}
	}
	if l.mapping.typeFollows {
		parts = append(parts, "customerType from the details")
	}
	for _, m := range l.MappingTable() {
		if m.Column == "" {
			parts = append(parts, m.Field+" is "+m.Constant)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%q", m.Field, m.Column))
	}
	if !l.charset.isUTF8() {
		parts = append(parts, "in "+l.charset.String())
	}
	if l.sheet != nil {
		parts = append(parts, fmt.Sprintf("of the sheet %q", l.sheet.name))
	}
	if l.delimiterNamed {
		parts = append(parts, fmt.Sprintf("cut at %q", l.delimiter))
	}
	if l.unprefix {
		parts = append(parts, "formula-safe")
	}
	return strings.Join(parts, " ")
}
