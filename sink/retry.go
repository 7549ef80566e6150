package sink

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bulkonboard/source"
)

// Previous reads the result that an earlier run wrote into a record. It
// reports false when none can be read: then the row is one that this program
// wrote and cannot take apart.
type Previous interface {
	Result(rec *source.Record) (Result, bool)
}

// RetryCSV encodes the results of a retry: a record that is kept is repeated
// byte for byte, and any other gets a new result in the place of the old one.
type RetryCSV struct {
	csv   *CSV
	first int // of the result columns, which are the last ones
}

// NewRetryCSV returns the encoder for a results file with the given header. It
// fails when the header is not one that a run writes.
func NewRetryCSV(header []string, o CSVOptions) (*RetryCSV, error) {
	first := len(header) - len(Columns())
	if first < 0 || !slices.Equal(header[first:], Columns()) {
		return nil, fmt.Errorf("its last columns are not %s", strings.Join(Columns(), ", "))
	}
	return &RetryCSV{csv: NewCSV(header, o), first: first}, nil
}

// Header appends the header line.
func (r *RetryCSV) Header(dst []byte) []byte { return r.csv.Header(dst) }

// Append appends a record.
func (r *RetryCSV) Append(dst []byte, rec *source.Record, res *Result) []byte {
	if res.Kept {
		return append(dst, rec.Raw...)
	}
	return r.csv.Append(dst, rec, res)
}

// Result reads the result columns of a record.
func (r *RetryCSV) Result(rec *source.Record) (Result, bool) {
	if rec.Cells == nil {
		return Result{}, false
	}
	v := cells(rec.Cells[r.first:])
	if !r.csv.safe { // or the list has taken the prefix away from every cell
		v = v.withoutPrefix()
	}
	return v.result()
}

// Corrected appends a record with other values in its input columns and the
// result that it has.
func (r *RetryCSV) Corrected(dst []byte, rec *source.Record, values []string) []byte {
	for _, value := range values {
		dst = append(r.csv.cell(dst, r.csv.inputCell(value)), r.csv.delimiter)
	}
	cells := slices.Clone(rec.Cells[r.first:])
	if r.csv.safe {
		for i, cell := range cells {
			cells[i] = source.WithPrefix(cell)
		}
	}
	return r.csv.line(dst, cells)
}

// Input gives the values of the input columns of a record.
func (r *RetryCSV) Input(rec *source.Record) []string { return rec.Cells[:r.first] }

// RetryJSONL is RetryCSV for JSONL.
type RetryJSONL struct{ JSONL }

// Append appends a record.
func (r *RetryJSONL) Append(dst []byte, rec *source.Record, res *Result) []byte {
	if res.Kept {
		return append(dst, rec.Raw...)
	}
	return r.JSONL.Append(dst, rec, res)
}

// Corrected appends a record with another object in the place of its own, and the
// result that it has.
func (r *RetryJSONL) Corrected(dst []byte, rec *source.Record, object string) []byte {
	var line map[string]json.RawMessage
	_ = json.Unmarshal([]byte(rec.Text), &line) // it is an object, or the record has no result
	dst = append(r.input(dst, &source.Record{Text: object}), `"`+source.ResultMember+`":`...)
	dst = append(dst, line[source.ResultMember]...)
	return append(dst, "}\n"...)
}

// Input gives the object of a record as it stands before the result.
func (r *RetryJSONL) Input(rec *source.Record) string { return string(r.input(nil, rec)) }

// Result reads the onboarding object of a record.
func (*RetryJSONL) Result(rec *source.Record) (Result, bool) {
	if rec.Malformed {
		return Result{}, false
	}
	// By its exact name: the customer may have an "Onboarding" of its own.
	var line, members map[string]json.RawMessage
	if json.Unmarshal([]byte(rec.Text), &line) != nil || json.Unmarshal(line[source.ResultMember], &members) != nil {
		return Result{}, false
	}
	var v cells
	for i := range columns {
		value := members[columns[i].name]
		if v[i] = string(value); !columns[i].number && json.Unmarshal(value, &v[i]) != nil {
			return Result{}, false
		}
	}
	return v.withoutPrefix().result()
}
