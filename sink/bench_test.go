package sink

import (
	"testing"

	"bulkonboard/source"
)

// BenchmarkAppend encodes one result, of a row as most are.
func BenchmarkAppend(b *testing.B) {
	header := []string{"customerType", "customerEmail", "firstName", "lastName", "branch", "note"}
	const row = "Individual,zoe.mueller@example.com,Zoë,Müller,São Paulo,call later"
	const object = `{"customerType":"Individual","customerEmail":"zoe.mueller@example.com","individual":{"firstName":"Zoë","lastName":"Müller"},"branch":"São Paulo"}`
	res := &Result{Status: OK, SessionID: "ab98babe-b555-4b79-88bf-967f454df0c0", Attempts: 1, ProcessedAt: at}
	for name, c := range map[string]struct {
		encoder interface {
			Append(dst []byte, rec *source.Record, res *Result) []byte
		}
		rec source.Record
	}{
		"csv":   {NewCSV(header, CSVOptions{Delimiter: ',', LineEnd: "\n"}), source.Record{Raw: []byte(row), Plain: len(row)}},
		"jsonl": {&JSONL{}, source.Record{Text: object, Plain: len(object) - 1}},
	} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = c.encoder.Append(dst[:0], &c.rec, res)
			}
		})
	}
}
