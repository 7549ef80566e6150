package cli

import (
	"fmt"

	"bulkonboard/batch"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// EncoderFor gives what writes the results of a list, in the list's own form.
// It refuses a list whose results could not be written so.
func EncoderFor(list *source.List, name string, formulaSafe bool) (batch.Encoder, error) {
	if list.Format() != source.FormatJSONL {
		if err := CheckColumns(name, list.Header()); err != nil {
			return nil, err
		}
		return sink.NewCSV(list.Header(), DialectOf(list, formulaSafe)), nil
	}
	if formulaSafe {
		return nil, NotForSpreadsheets(name)
	}
	return sink.JSONL{}, nil
}

// NotForSpreadsheets refuses --formula-safe for a list in JSONL.
func NotForSpreadsheets(name string) error {
	return &source.ListError{Name: name, Reason: "the list is JSONL, which no spreadsheet runs", Hint: "leave out --formula-safe"}
}

// DialectOf is the dialect of the results of a CSV list: that of the list, in
// UTF-8. A list that a spreadsheet could read in another encoding gets a byte
// order mark, without which its results could not be read.
func DialectOf(list *source.List, formulaSafe bool) sink.CSVOptions {
	recoded := list.Encoding() != source.UTF8
	o := sink.CSVOptions{
		Delimiter: list.Delimiter(), LineEnd: list.LineEnd(), BOM: list.BOM() || recoded, Recoded: recoded, FormulaSafe: formulaSafe,
	}
	if o.LineEnd == "\r" {
		o.LineEnd, o.Recoded = "\n", true
	}
	return o
}

// CheckColumns refuses a CSV list whose results could not hold all its columns.
func CheckColumns(name string, header []string) error {
	number, column, clashes := sink.Clash(header)
	if !clashes {
		return nil
	}
	return &source.ListError{
		Name: name, Line: 1, Reason: fmt.Sprintf("column %d %q has the name of a column that the results add", number, column),
		Hint: "rename it or take it out: the results cannot have both",
	}
}
