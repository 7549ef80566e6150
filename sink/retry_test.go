package sink

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

// FuzzAResultIsReadBackAsItWasWritten writes a row, reads it as a retry does, and
// writes it again: kept, with another result, and with other values.
func FuzzAResultIsReadBackAsItWasWritten(f *testing.F) {
	f.Add("a\r\nb", "'=said", "s-1", uint8(0), true)
	f.Add("=1+1", "-x", "'", uint8(1), false)
	f.Add("", "a\"b;c", "", uint8(2), true)
	f.Fuzz(func(t *testing.T, value, message, id string, dialect uint8, safe bool) {
		for _, s := range []string{value, message, id} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || strings.Contains(s, "\ufeff") {
				return
			}
		}
		if id = strings.TrimLeft(id, "='+-@\t\r\n＝＋－＠"); id == "" {
			id = "s-1"
		}
		o := CSVOptions{Delimiter: rune(",;\t|"[dialect%4]), LineEnd: []string{"\n", "\r\n"}[dialect/4%2], FormulaSafe: safe}
		w := NewCSV([]string{"customerType", "customerEmail", "firstName", "lastName", "note"}, o)
		res := Result{Status: OK, SessionID: id, ErrorMessage: message, Attempts: 3, ProcessedAt: at}
		text := string(w.Append(w.Header(nil), &source.Record{Cells: []string{"Individual", "a@example.com", "A", "B", value}}, &res))

		list, err := source.Open(strings.NewReader(text), source.Options{Results: true, FormulaSafe: safe, Delimiter: o.Delimiter})
		require.NoError(t, err)
		r, err := NewRetryCSV(list.Header(), DialectOf(list))
		require.NoError(t, err)
		var kept, again, corrected []byte
		for rec, err := range list.Records() {
			require.NoError(t, err)
			got, ok := r.Result(rec)
			require.True(t, ok, text)
			assert.Equal(t, res, got)
			assert.Equal(t, value, r.Input(rec)[4])
			kept = r.Append(kept, rec, &Result{Kept: true})
			again = r.Append(again, rec, &got)
			corrected = r.Corrected(corrected, rec, r.Input(rec))
		}
		row := text[len(w.Header(nil)):]
		assert.Equal(t, row, string(kept))
		assert.Equal(t, row, string(again))
		assert.Equal(t, row, string(corrected))
	})
}

func TestAnObjectIsReadBackAsItWasWritten(t *testing.T) {
	res := Result{Status: Rejected, ErrorCode: "x", ErrorMessage: "=1+1", Attempts: 2, ProcessedAt: at}
	line := new(JSONL).Append(nil, &source.Record{Text: `{"a":1.0, "onboarding":{"old":1}}`}, &res)
	rec := &source.Record{Raw: line, Text: strings.TrimSpace(string(line))}
	r := new(RetryJSONL)
	got, ok := r.Result(rec)
	require.True(t, ok)
	assert.Equal(t, res, got)
	assert.Equal(t, string(line), string(r.Append(nil, rec, &Result{Kept: true})))
	assert.Equal(t, string(line), string(r.Append(nil, rec, &got)))
	assert.Equal(t, strings.Replace(string(line), "1.0", "2", 1), string(r.Corrected(nil, rec, `{"a":2}`)))
}
