package sink

import (
	"testing"

	"bulkonboard/source"
)

// BenchmarkAppend encodes one result.
func BenchmarkAppend(b *testing.B) {
	header := []string{"customerType", "customerEmail", "firstName", "lastName", "branch", "note"}
	rec := &source.Record{
		Cells: []string{"Individual", "zoe.mueller@example.com", "Zoë", "Müller", "São Paulo", "call, later"},
		Text:  `{"customerType":"Individual","customerEmail":"zoe.mueller@example.com","individual":{"firstName":"Zoë","lastName":"Müller"},"branch":"São Paulo"}`,
	}
	res := &Result{Status: OK, SessionID: "ab98babe-b555-4b79-88bf-967f454df0c0", Attempts: 1, ProcessedAt: at}
	for name, encoder := range map[string]interface {
		Append(dst []byte, rec *source.Record, res *Result) []byte
	}{
		"csv":   NewCSV(header, CSVOptions{Delimiter: ',', LineEnd: "\n"}),
		"jsonl": &JSONL{},
	} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = encoder.Append(dst[:0], rec, res)
			}
		})
	}
}
