package fixes

import (
	"slices"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Table shows records of a results file by the columns of its list, and makes
// records with other values.
type Table interface {
	// Columns are the columns of the list. The result is shared.
	Columns() []string

	// Fields are the fields that are read from a column.
	Fields(column int) []string

	// Values are a record's, by column.
	Values(rec *source.Record) []string

	// Input is all that the record has but its result.
	Input(rec *source.Record) []string

	// Corrected appends the record with other values, and with the result that
	// it has. It fails where a value cannot be put in its place.
	Corrected(dst []byte, rec *source.Record, values []string) ([]byte, error)

	sink.Previous
}

// csvTable is the Table of CSV results.
type csvTable struct {
	*sink.RetryCSV
	columns []string
	fields  map[int][]string // by column
}

// NewCSV is the Table of CSV results.
func NewCSV(list *source.List) (Table, error) {
	retry, err := sink.NewRetryCSV(list.Header(), sink.DialectOf(list))
	if err != nil {
		return nil, err
	}
	header, fields := list.Header(), map[int][]string{}
	for _, m := range list.MappingTable() {
		fields[m.Number-1] = append(fields[m.Number-1], m.Field)
	}
	return &csvTable{retry, header[:len(header)-len(sink.Columns())], fields}, nil
}

// Fields are the fields that are read from a column.
func (t *csvTable) Fields(column int) []string { return t.fields[column] }

// Columns are the columns of the list.
func (t *csvTable) Columns() []string { return t.columns }

// Values are those of a record, by column.
func (t *csvTable) Values(rec *source.Record) []string {
	if rec.Cells == nil {
		values := make([]string, max(1, len(t.columns)))
		values[0] = rec.Text
		return values[:len(t.columns)]
	}
	return slices.Clone(t.RetryCSV.Input(rec))
}

// Input is all that the record has but its result.
func (t *csvTable) Input(rec *source.Record) []string {
	if rec.Cells == nil {
		return []string{rec.Text}
	}
	return t.RetryCSV.Input(rec)
}

// Corrected appends the record with other values.
func (t *csvTable) Corrected(dst []byte, rec *source.Record, values []string) ([]byte, error) {
	if rec.Cells == nil {
		return nil, errUnreadable
	}
	return t.RetryCSV.Corrected(dst, rec, values), nil
}
