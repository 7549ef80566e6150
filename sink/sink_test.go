package sink

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

var at = time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)

func TestCSVKeepsEveryInputValueAndAddsTheResult(t *testing.T) {
	c := NewCSV([]string{"name", "note"}, CSVOptions{Delimiter: ',', LineEnd: "\n"})
	rec := &source.Record{Cells: []string{`Ann "the boss"`, " spaced, and\r\nbroken\nlines "}}
	res := &Result{Status: OK, SessionID: "s-1", Attempts: 2, ProcessedAt: at}

	text := string(c.Append(c.Header(nil), rec, res))

	rows, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(text, "\r\n", "\\r\\n"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	assert.Equal(t, []string{"name", "note", "onboardingStatus", "sessionId", "errorCode", "errorMessage", "attempts", "processedAt"}, rows[0])
	assert.Equal(t, []string{`Ann "the boss"`, ` spaced, and\r\nbroken` + "\nlines ", "ok", "s-1", "", "", "2", "2026-02-03T04:05:06.789Z"}, rows[1])
}

func TestCSVWritesTheDialectOfTheInput(t *testing.T) {
	c := NewCSV([]string{"a", "b"}, CSVOptions{Delimiter: ';', LineEnd: "\r\n", BOM: true})
	rec := &source.Record{Cells: []string{"1,5", "x;y"}}

	text := string(c.Append(c.Header(nil), rec, &Result{Status: OK, ProcessedAt: at}))

	assert.Equal(t, "\ufeffa;b;onboardingStatus;sessionId;errorCode;errorMessage;attempts;processedAt\r\n"+
		"1,5;\"x;y\";ok;;;;0;2026-02-03T04:05:06.789Z\r\n", text)
}

func TestCSVReplacesTheColumnsOfAnEarlierRun(t *testing.T) {
	c := NewCSV([]string{"onboardingStatus", "name", "sessionId", "errorCode", "errorMessage", "attempts", "processedAt"}, CSVOptions{Delimiter: ',', LineEnd: "\n"})
	rec := &source.Record{Cells: []string{"failed", "Ann", "", "timeout", "slow", "8", "then"}}

	text := string(c.Append(c.Header(nil), rec, &Result{Status: OK, SessionID: "s", ProcessedAt: at}))

	assert.Equal(t, "name,onboardingStatus,sessionId,errorCode,errorMessage,attempts,processedAt\nAnn,ok,s,,,0,2026-02-03T04:05:06.789Z\n", text)
}

func TestCSVKeepsAMalformedRowWholeInItsFirstColumn(t *testing.T) {
	c := NewCSV([]string{"name", "email"}, CSVOptions{Delimiter: ',', LineEnd: "\n"})
	rec := &source.Record{Malformed: true, Text: `Ann,a@example.com,"surplus"`}

	text := string(c.Append(nil, rec, &Result{Status: Invalid, ErrorCode: "wrong_field_count", ErrorMessage: "3 fields", ProcessedAt: at}))

	assert.Equal(t, `"Ann,a@example.com,""surplus""",,invalid,,wrong_field_count,3 fields,0,2026-02-03T04:05:06.789Z`+"\n", text)
}

func TestServerTextNeverBecomesAFormula(t *testing.T) {
	for _, text := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "＝1"} {
		assert.Equal(t, "'"+text, source.WithPrefix(text))
	}
	for _, text := range []string{"", "fine", "a=b"} {
		assert.Equal(t, text, source.WithPrefix(text))
	}
}

func TestJSONLKeepsTheInputObjectAsItIsWritten(t *testing.T) {
	const onboarding = `"onboarding":{"onboardingStatus":"ok","sessionId":"s","errorCode":"","errorMessage":"","attempts":1,"processedAt":"2026-02-03T04:05:06.789Z"}}` + "\n"
	cases := []struct{ name, input, want string }{
		{"numbers keep their digits", `{"a":1.50,"b": "x"}`, `{"a":1.50,"b": "x",` + onboarding},
		{"an empty object", ` { } `, `{` + onboarding},
		{"an earlier result alone", `{"onboarding":{"x":1}}`, `{` + onboarding},
		{"an earlier result under an escaped name", `{"a":"\n","on\u0062oarding":{"x":1}}`, `{"a":"\n",` + onboarding},
		{"an earlier result first", `{"onboarding":{"x":1}, "a":1}`, `{"a":1,` + onboarding},
		{"an earlier result between", `{"a":1,"onboarding":{"x":1}, "b":2}`, `{"a":1, "b":2,` + onboarding},
		{"an earlier result last", `{"a":1 , "onboarding":{"x":1} }`, `{"a":1,` + onboarding},
		{"the word as a value", `{"a":"onboarding"}`, `{"a":"onboarding",` + onboarding},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := string(new(JSONL).Append(nil, &source.Record{Text: c.input}, &Result{Status: OK, SessionID: "s", Attempts: 1, ProcessedAt: at}))
			assert.Equal(t, c.want, got)
			assert.True(t, json.Valid([]byte(got)))
		})
	}
}

func TestJSONLKeepsALineThatIsNoObjectAsText(t *testing.T) {
	got := new(JSONL).Append(nil, &source.Record{Malformed: true, Text: `{"a":`}, &Result{Status: Invalid, ErrorCode: "malformed_json", ProcessedAt: at})

	var line struct{ Input string }
	require.NoError(t, json.Unmarshal(got, &line))
	assert.Equal(t, `{"a":`, line.Input)
}

func FuzzCSVReadsBackWhatWasWritten(f *testing.F) {
	f.Add("a", "b,c", `say "x"`)
	f.Add("", "\n", "\r\n")
	f.Fuzz(func(t *testing.T, a, b, message string) {
		for _, s := range []string{a, b, message} {
			if strings.Contains(s, "\r") || !utf8.ValidString(s) {
				return // encoding/csv, which reads back, folds CRLF
			}
		}
		c := NewCSV([]string{"a", "b"}, CSVOptions{Delimiter: ',', LineEnd: "\n"})
		text := string(c.Append(nil, &source.Record{Cells: []string{a, b}}, &Result{Status: Failed, ErrorMessage: message, ProcessedAt: at}))
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 1)
		assert.Equal(t, []string{a, b}, rows[0][:2])
		assert.Equal(t, source.WithPrefix(message), rows[0][5])
	})
}

func FuzzJSONLStaysOneValidObject(f *testing.F) {
	f.Add(`{"onboarding":1,"a":2}`, "m")
	f.Add(`{"a":{"onboarding":[]}}`, "\x00")
	f.Add(`{"\u006fnboarding":1,"a":2}`, "")
	f.Fuzz(func(t *testing.T, input, message string) {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(input), &object) != nil || object == nil {
			return
		}
		got := new(JSONL).Append(nil, &source.Record{Text: input}, &Result{Status: Failed, ErrorMessage: message, ProcessedAt: at})
		var back map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(got, &back), string(got))
		if allOnce(input) {
			assert.True(t, allOnce(string(got)), "a member is there twice: %s", got)
		}
		delete(object, source.ResultMember)
		for name := range object {
			assert.Contains(t, back, name)
		}
	})
}

func TestFormulaSafeGivesInputCellsAPrefixThatRetryReads(t *testing.T) {
	o := CSVOptions{Delimiter: ',', LineEnd: "\n", FormulaSafe: true}
	c := NewCSV([]string{"=name", "note"}, o)
	text := string(c.Append(c.Header(nil), &source.Record{Cells: []string{"+97150", "'=x"}}, &Result{Status: Failed, ErrorMessage: "=boom", ProcessedAt: at}))
	assert.Equal(t, "'=name,note,onboardingStatus,sessionId,errorCode,errorMessage,attempts,processedAt\n"+
		"'+97150,''=x,failed,,,'=boom,0,2026-02-03T04:05:06.789Z\n", text)

	// As source reads it again: without the prefix.
	header := append([]string{"=name", "note"}, Columns()...)
	cells := []string{"+97150", "'=x", "failed", "", "", "=boom", "0", "2026-02-03T04:05:06.789Z"}
	row := text[strings.Index(text, "\n")+1:]
	rec := &source.Record{Raw: []byte(row), Cells: cells}
	r, err := NewRetryCSV(header, o)
	require.NoError(t, err)
	res, ok := r.Result(rec)
	require.True(t, ok)
	assert.Equal(t, "=boom", res.ErrorMessage)
	assert.Equal(t, row, string(r.Append(nil, rec, &Result{Kept: true})), "kept")
	assert.Equal(t, text, string(r.Append(r.Header(nil), rec, &res)), "sent again")
	assert.Equal(t, row, string(r.Corrected(nil, rec, r.Input(rec))), "with the same values")
	assert.Equal(t, "+97150", rec.Cells[0], "a record is never written to")
}

func TestResultsAreReadOnlyAsTheyAreWritten(t *testing.T) {
	good := []string{"ok", "s-1", "", "", "1", "2026-02-03T04:05:06.789Z"}
	r, err := NewRetryCSV(append([]string{"name"}, Columns()...), CSVOptions{Delimiter: ',', LineEnd: "\n"})
	require.NoError(t, err)
	result := func(cells []string) bool {
		_, ok := r.Result(&source.Record{Cells: append([]string{"Ann"}, cells...)})
		return ok
	}
	require.True(t, result(good))
	for i, other := range map[int]string{0: "fine", 1: "", 4: "one", 5: "03/02/2026 04:05"} {
		cells := slices.Clone(good)
		cells[i] = other
		assert.False(t, result(cells), Columns()[i])
	}
	_, err = NewRetryCSV(append(Columns(), "name"), CSVOptions{Delimiter: ','})
	require.ErrorContains(t, err, "its last columns are not onboardingStatus, ")
}

func TestAListsOwnColumnWithTheNameOfAResultClashes(t *testing.T) {
	cases := []struct {
		name   string
		header []string
		number int
	}{
		{"none", []string{"name", "note"}, 0},
		{"one of them", []string{"name", "attempts"}, 2},
		{"one in another case", []string{"SessionID ", "name"}, 1},
		{"the results of an earlier run", append([]string{"name"}, Columns()...), 0},
		{"the results without a column", append([]string{"name"}, Columns()[1:]...), 6},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			number, _, clashes := Clash(c.header)
			assert.Equal(t, c.number > 0, clashes)
			if clashes {
				assert.Equal(t, c.number, number)
			}
		})
	}
}

func TestAMemberOfTheCustomersOwnIsNoResult(t *testing.T) {
	rec := &source.Record{Text: `{"Onboarding":"2024-05-01","onboarding":{"onboardingStatus":"ok","sessionId":"s-1","errorCode":"","errorMessage":"","attempts":1,"processedAt":"2026-02-03T04:05:06.789Z"}}`}
	res, ok := new(RetryJSONL).Result(rec)
	require.True(t, ok, "a row that succeeded is not sent again")
	assert.Equal(t, "s-1", res.SessionID)
	_, ok = new(RetryJSONL).Result(&source.Record{Text: `{"Onboarding":{"onboardingStatus":"ok","sessionId":"mine"}}`})
	assert.False(t, ok)
}

// allOnce reports JSON without a name that an object has twice.
func allOnce(text string) bool {
	_, err := jsontext.NewDecoder(strings.NewReader(text)).ReadValue()
	return err == nil
}
