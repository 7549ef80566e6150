package fixes

import (
	"encoding/json"
	"iter"
	"slices"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// jsonlTable is the Table of JSONL results. Its columns are the paths of all
// values that a row has which needs attention, in the order in which they come,
// and the fields that such a row lacks.
type jsonlTable struct {
	sink.RetryJSONL
	list    *source.List
	columns []string
	text    []bool // by column: the value is read as a field, which must be a text
}

// NewJSONL is the Table of JSONL results: of the list whose records are given,
// which are read to the end.
func NewJSONL(list *source.List, records iter.Seq2[*source.Record, error]) (Table, error) {
	t := &jsonlTable{list: list}
	seen, lacking := map[string]bool{}, []string{}
	for rec, err := range records {
		if err != nil {
			return nil, err
		}
		if !needed(t, rec) {
			continue
		}
		for _, l := range t.leaves(rec) {
			if !seen[l.path] {
				seen[l.path] = true
				t.columns = append(t.columns, l.path)
			}
		}
		for _, p := range rec.Problems {
			if p.Field != "" && !slices.Contains(lacking, p.Field) {
				lacking = append(lacking, p.Field)
			}
		}
	}
	t.settle(lacking)
	return t, nil
}

// settle adds the columns of fields that no row has, and finds out which columns
// are read as fields.
func (t *jsonlTable) settle(lacking []string) {
	read := map[string]bool{}
	for _, path := range t.columns {
		for _, field := range t.list.FieldsAt(namesOf(path)) {
			read[field] = true
		}
	}
	for _, field := range lacking {
		if path := t.list.MemberOf(field); !read[field] && path != nil {
			column := ""
			for _, name := range path {
				column = pathTo(column, name)
			}
			t.columns = append(t.columns, column)
		}
	}
	t.text = make([]bool, len(t.columns))
	for i, path := range t.columns {
		t.text[i] = len(t.list.FieldsAt(namesOf(path))) > 0
	}
}

// Columns are the columns of the list.
func (t *jsonlTable) Columns() []string { return t.columns }

// Fields are the fields that are read from a column.
func (t *jsonlTable) Fields(column int) []string { return t.list.FieldsAt(namesOf(t.columns[column])) }

func (t *jsonlTable) leaves(rec *source.Record) []leaf {
	if rec.Malformed {
		return nil
	}
	tree, err := treeOf(rec.Text)
	if err != nil {
		return nil
	}
	return tree.leaves
}

// Values are those of a record, by column.
func (t *jsonlTable) Values(rec *source.Record) []string {
	values := make([]string, len(t.columns))
	for _, l := range t.leaves(rec) {
		if i := slices.Index(t.columns, l.path); i >= 0 {
			values[i] = l.value
		}
	}
	return values
}

// Input is all that the record has but its result.
func (t *jsonlTable) Input(rec *source.Record) []string { return []string{t.RetryJSONL.Input(rec)} }

// Corrected appends the record with other values.
func (t *jsonlTable) Corrected(dst []byte, rec *source.Record, values []string) ([]byte, error) {
	text := rec.Text
	if rec.Malformed {
		return nil, errUnreadable
	}
	before := t.Values(rec)
	if whole, given := t.line(rec, before, values); given {
		text = whole
	}
	for i, value := range values {
		if value == before[i] || t.columns[i] == lineMember && text != rec.Text {
			continue
		}
		tree, err := treeOf(text)
		if err == nil {
			text, err = tree.with(text, t.columns[i], value, t.text[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return t.RetryJSONL.Corrected(dst, rec, text), nil
}

// lineMember is the member in which results have a line that could not be read.
const lineMember = "input"

// line gives the object that somebody has made of a line that was none.
func (t *jsonlTable) line(rec *source.Record, before, values []string) (text string, given bool) {
	i := slices.Index(t.columns, lineMember)
	if i < 0 || values[i] == before[i] || len(t.leaves(rec)) != 1 {
		return "", false
	}
	var object map[string]json.RawMessage
	return values[i], json.Unmarshal([]byte(values[i]), &object) == nil && object != nil
}
