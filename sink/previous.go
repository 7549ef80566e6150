package sink

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bulkonboard/source"
)

// Previous reads the result that an earlier run wrote into a record. It
// reports false when the record has none.
type Previous interface {
	Result(rec *source.Record) (Result, bool)
}

// Edited is a results file that is read to be run again: an encoder that keeps
// the file's own columns, in their own order, and a record that is kept is
// written as the very bytes it was read from.
type Edited struct {
	csv     *CSV
	columns [6]int // where each of Columns() stands
	recoded bool   // rows that are kept are written anew
}

// NewEdited returns the encoder for a results file with the given header,
// whatever order its columns are in by now. It fails when a result column is
// missing: then the file is no results file, or lost a part of it.
func NewEdited(header []string, o CSVOptions) (*Edited, error) {
	e := &Edited{csv: NewCSV(header, o), recoded: o.Recoded}
	var missing []string
	for n, name := range Columns() {
		if e.columns[n] = slices.Index(header, name); e.columns[n] < 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the columns %s are missing", strings.Join(missing, ", "))
	}
	return e, nil
}

// Header appends the header line as it was found, in UTF-8.
func (e *Edited) Header(dst []byte) []byte {
	if e.csv.bom {
		dst = append(dst, "\ufeff"...)
	}
	header := slices.Clone(e.csv.header)
	e.inputCells(header)
	return e.csv.line(dst, header)
}

// Append appends a record: as it stands when its result is kept, otherwise
// with the new result in the place of the old one.
func (e *Edited) Append(dst []byte, rec *source.Record, res *Result) []byte {
	if res.Kept && !e.recoded {
		return e.csv.endLine(append(dst, rec.Raw...))
	}
	cells := slices.Clone(rec.Cells)
	if cells == nil {
		cells = make([]string, len(e.csv.header))
		cells[e.firstInput()] = cut(rec.Text, maxMalformedText)
	}
	e.inputCells(cells)
	if !res.Kept {
		for n, value := range res.values(&e.csv.clock) {
			cells[e.columns[n]] = value
		}
	}
	return e.csv.line(dst, cells)
}

func (e *Edited) inputCells(cells []string) {
	for i, value := range cells {
		cells[i] = e.csv.inputCell(value)
	}
}

// firstInput is the first column that is no result.
func (e *Edited) firstInput() int {
	if len(e.csv.keep) == 0 {
		return 0
	}
	return e.csv.keep[0]
}

// Result reads the result columns of a record.
func (e *Edited) Result(rec *source.Record) (Result, bool) {
	if rec.Cells == nil {
		return Result{}, false
	}
	cell := func(n int) string { return strings.TrimSpace(rec.Cells[e.columns[n]]) }
	return parseResult([6]string{cell(0), cell(1), cell(2), cell(3), cell(4), cell(5)})
}

// values are the cells of a result, in the order of Columns.
func (r *Result) values(c *clock) [6]string {
	return [6]string{
		string(r.Status), r.SessionID, r.ErrorCode, spreadsheetSafe(r.ErrorMessage),
		strconv.Itoa(r.Attempts), c.text(r.ProcessedAt),
	}
}

// parseResult is lenient where a spreadsheet rewrites what it saves, a time for
// one, and strict where it matters: a good result without a session id is none.
func parseResult(v [6]string) (Result, bool) {
	r := Result{Status: Status(v[0]), SessionID: v[1], ErrorCode: v[2], ErrorMessage: v[3]}
	if !slices.Contains(Statuses(), r.Status) || r.Status.Good() && r.SessionID == "" {
		return Result{}, false
	}
	r.Attempts, _ = strconv.Atoi(v[4])
	r.ProcessedAt, _ = time.Parse(time.RFC3339, v[5])
	return r, true
}

// EditedJSONL is Edited for JSONL.
type EditedJSONL struct {
	JSONL
	Recoded bool // the input is in another encoding, so no line of it can be repeated byte for byte
}

// Append appends a record: as it stands when its result is kept, otherwise
// with the new result in the place of the old one.
func (e *EditedJSONL) Append(dst []byte, rec *source.Record, res *Result) []byte {
	if !res.Kept {
		return e.JSONL.Append(dst, rec, res)
	}
	if e.Recoded {
		return append(append(dst, rec.Text...), '\n')
	}
	dst = append(dst, rec.Raw...)
	if len(rec.Raw) == 0 || rec.Raw[len(rec.Raw)-1] != '\n' {
		dst = append(dst, '\n')
	}
	return dst
}

// Result reads the onboarding object of a record.
func (*EditedJSONL) Result(rec *source.Record) (Result, bool) {
	if rec.Malformed {
		return Result{}, false
	}
	// By its exact name: the customer may have an "Onboarding" of its own.
	var line map[string]json.RawMessage
	var o struct {
		OnboardingStatus, SessionID, ErrorCode, ErrorMessage, ProcessedAt string

		Attempts int
	}
	if json.Unmarshal([]byte(rec.Text), &line) != nil || json.Unmarshal(line[Member], &o) != nil {
		return Result{}, false
	}
	return parseResult([6]string{o.OnboardingStatus, o.SessionID, o.ErrorCode, o.ErrorMessage, strconv.Itoa(o.Attempts), o.ProcessedAt})
}
