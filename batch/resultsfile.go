package batch

import (
	"fmt"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// Encoder makes the bytes of a results file. It is used by one goroutine.
// *sink.CSV and *sink.JSONL implement it.
type Encoder interface {
	Header(dst []byte) []byte
	Append(dst []byte, rec *source.Record, res *sink.Result) []byte
}

// EncoderFor makes what writes results in the form of a list. A list whose
// results could not be written is a *source.ListError.
func EncoderFor(list *source.List, formulaSafe bool) (Encoder, error) {
	if list.Format() == source.FormatJSONL {
		return &sink.JSONL{}, checkFormulaSafe(list, formulaSafe)
	}
	if number, column, clashes := sink.Clash(list.Header()); clashes {
		return nil, &source.ListError{
			Name: list.Name(), Line: 1, Reason: fmt.Sprintf("column %d %q has the name of a column that the results add", number, column),
			Hint: "rename it or take it out: the results cannot have both",
		}
	}
	o := sink.DialectOf(list)
	o.FormulaSafe = formulaSafe
	return sink.NewCSV(list.Header(), o), nil
}

// checkFormulaSafe refuses to make a list safe for spreadsheets that none reads.
func checkFormulaSafe(list *source.List, formulaSafe bool) error {
	if !formulaSafe || list.Format() != source.FormatJSONL {
		return nil
	}
	return &source.ListError{Name: list.Name(), Reason: "the list is JSONL, which no spreadsheet runs", Hint: "leave out --formula-safe"}
}
