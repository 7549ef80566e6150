package sink

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

const people = "customerType,customerEmail,firstName,lastName\n"

func sparedLists() map[string]string {
	return map[string]string{
		"plain":                   people + "Individual,a@x.io,Ann,Lee\nIndividual,b@x.io, Bo ,Ray\n",
		"quotes, and lines":       people + "Individual,a@x.io,\"Ann, \"\"A\"\"\",Lee\nIndividual,b@x.io,\"Bo\nB\",Ray\nIndividual,c@x.io,Cy,\"Ro\nIndividual,d@x.io,Di,Ray\n",
		"no line end":             people + "Individual,a@x.io,Ann,Lee\n\nIndividual,b@x.io,Bo,Ray",
		"CRLF":                    strings.ReplaceAll(people+"Individual,a@x.io,Ann,Lee\nIndividual,b@x.io,\"Bo\",Ray\n", "\n", "\r\n"),
		"CR":                      strings.ReplaceAll(people+"Individual,a@x.io,Ann,Lee\nIndividual,b@x.io,Bo,Ray\n", "\n", "\r"),
		"a CR in a cell":          people + "Individual,a@x.io,Ann,Le\re\nIndividual,b@x.io,Bo,Ray\n",
		"semicolons and a BOM":    "\ufeff" + strings.ReplaceAll(people+"Individual,a@x.io,Ann,Lee\n", ",", ";"),
		"another encoding":        people + "Individual,a@x.io,Zo\xeb,Lee\n",
		"results":                 strings.TrimSpace(people) + ",sessionId,onboardingStatus,errorCode,errorMessage,attempts,processedAt\nIndividual,a@x.io,Ann,Lee,s,ok,,,1,\n",
		"what spreadsheets run":   people + "Individual,a@x.io,=Ann,'Lee\n",
		"JSONL":                   `{"customerType":"Individual","customerEmail":"a@x.io","individual":{"firstName":"Ann","lastName":"Lee"}, "onboarding":1}` + "\n\n{}\n[\n",
		"JSONL as it is often":    `{"customerType":"Individual","customerEmail":"a@x.io","individual":{"firstName":"Zoë","lastName":"Lee","onboarding":2},"branch":"onboarding","vip":true}` + "\r\n" + `{"customerType":"Individual", "customerEmail":"a@x.io", "firstName":"Ann", "lastName":"Lee" }` + "\r\n",
		"JSONL with CR":           "{\"customerType\":\"Individual\",\r\"customerEmail\":\"a@x.io\",\"firstName\":\"Ann\",\"lastName\":\"Lee\"}\n{\r\"firstName\":\"Ann\",\"lastName\":\"Lee\",\"customerEmail\":\"a@x.io\",\"customerType\":\"Individual\",\"onboarding\":null}\n",
		"JSONL without a linefed": ` {"customerType":"Individual","customerEmail":"a@x.io","firstName":"Ann","lastName":"Lee"} `,
	}
}

// resultsOf writes all rows of a list, and leaves those undecoded that it is told
// to spare.
func resultsOf(text string, encoding string, safe bool, spare func(*source.Record) bool) (results string, recs []source.Record, err error) {
	list, err := source.Open(strings.NewReader(text), source.Options{Encoding: encoding})
	if err != nil {
		return "", nil, err
	}
	o := DialectOf(list)
	o.FormulaSafe = safe
	var encoder interface {
		Append(dst []byte, rec *source.Record, res *Result) []byte
	} = NewCSV(list.Header(), o)
	if list.Format() == source.FormatJSONL {
		encoder = &JSONL{}
	}
	if spare != nil {
		list.DecodeLater()
	}
	var out []byte
	for rec, err := range list.Records() {
		if err != nil {
			return "", nil, err
		}
		if spare != nil && !spare(rec) {
			rec.Decode()
		}
		out = encoder.Append(out, rec, &Result{Status: OK, SessionID: "s"})
		recs = append(recs, *rec)
	}
	return string(out), recs, nil
}

func requireSparedAlike(t *testing.T, text, encoding string, safe bool) (spared int) {
	t.Helper()
	want, recs, err := resultsOf(text, encoding, safe, nil)
	if err != nil {
		return 0
	}
	got, again, err := resultsOf(text, encoding, safe, func(rec *source.Record) bool {
		if len(recs[rec.Row-1].Problems) > 0 {
			return false
		}
		if rec.Customer == (source.Customer{}) {
			spared++
		}
		return true
	})
	require.NoError(t, err)
	require.Equal(t, want, got)
	for i := range recs {
		require.Equal(t, recs[i].Next, again[i].Next)
		require.Equal(t, recs[i].Raw, again[i].Raw)
	}
	return spared
}

func TestRowsThatAreNotDecodedAreWrittenAsTheOthers(t *testing.T) {
	total := 0
	for name, text := range sparedLists() {
		for _, safe := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				encoding := ""
				if name == "another encoding" {
					encoding = "windows-1252"
				}
				total += requireSparedAlike(t, text, encoding, safe)
			})
		}
	}
	assert.Greater(t, total, 15)
}

func FuzzRowsThatAreNotDecodedAreWrittenAsTheOthers(f *testing.F) {
	for _, text := range sparedLists() {
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, safe bool) {
		requireSparedAlike(t, text, "", safe)
	})
}
