package sink

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func aSummary() *Summary {
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	return &Summary{
		Run: "20260131T020000Z-abc234", Tool: "v1", Complete: true, ExitCode: 1, StartedAt: at, EndedAt: at.Add(time.Minute),
		RunningSeconds: 60, Rows: 3, Status: map[Status]int64{OK: 2, Rejected: 1}, Attempts: 4, Throttled: 1, HeldSeconds: 0.5,
		Latency: Latency{Count: 3, P50: 20, Max: 31.25, Counts: []int64{0, 3}, UpTo: []int64{16, 32}},
		Input:   File{Name: "list.csv", Size: 100, SHA256: "00", Rows: 3}, Output: &File{Name: "out.csv", Size: 200, SHA256: "11", Rows: 3},
		Errors: []ErrorGroup{{
			Code: "x", Field: "firstName", Status: Rejected, Count: 1, Rows: []int64{2}, Line: 3, Message: "no, [1,\n2]", Shapes: []string{"Aa9"}, Retry: "bulkonboard retry out.csv --error-code x",
		}},
		Settings: map[string]string{"rate": "auto"},
		Timeline: Timeline{
			BucketSeconds: 1, Rows: []int64{1, 2}, Calls: []int64{2, 2}, Throttled: []int64{1, 0}, HeldSeconds: []float64{0.5, 0}, OutageSeconds: []float64{0, 0},
			Starts: []Start{{StartedAt: at, EndedAt: at.Add(time.Minute)}},
		},
	}
}

func encoded(t testing.TB, s *Summary) []byte {
	b, err := s.Encode()
	require.NoError(t, err)
	return b
}

func TestASummaryIsReadAsItWasWritten(t *testing.T) {
	s := aSummary()
	b := encoded(t, s)
	got, err := DecodeSummary(b)
	require.NoError(t, err)
	assert.Equal(t, s, got)
	assert.Empty(t, got.Check())
	assert.Contains(t, string(b), `"rows": [1,2],`, "a line for a series")

	again, err := got.Encode()
	require.NoError(t, err)
	assert.Equal(t, string(b), string(again))

	var short bytes.Buffer
	require.NoError(t, json.Compact(&short, b))
	_, err = DecodeSummary(short.Bytes())
	require.NoError(t, err, "white space does not matter")
}

func TestAnyChangeOfASummaryIsFound(t *testing.T) {
	b := encoded(t, aSummary())
	for name, edit := range map[string][2]string{
		"a count":            {`"rows": 3`, `"rows": 4`},
		"a status":           {`"rejected": 1`, `"rejected": 2`},
		"a word":             {`list.csv`, `Iist.csv`},
		"a member twice":     {`"resumed": 0`, `"resumed": 1, "resumed": 0`},
		"a member more":      {`"resumed": 0`, `"resumed": 0, "checked": true`},
		"a number's writing": {`0.5`, `0.50`},
		"the digest":         {`"sha256:`, `"sha256:0`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, string(b), edit[0])
			_, err := DecodeSummary([]byte(strings.Replace(string(b), edit[0], edit[1], 1)))
			assert.ErrorIs(t, err, ErrEdited)
		})
	}
	for i, c := range b {
		if c == ' ' || c == '\n' {
			continue
		}
		changed := bytes.Clone(b)
		changed[i] ^= 1
		_, err := DecodeSummary(changed)
		require.Error(t, err, "byte %d", i)
	}
	_, err := DecodeSummary(append(b, `{}`...))
	require.ErrorIs(t, err, ErrNoSummary)
}

func TestWhatIsNoSummaryIsTold(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"text":           "hello",
		"another object": `{"version":1,"name":"x"}`,
		"a list":         `[]`,
		"too long":       strings.Repeat(" ", MaxSummary) + "{}",
	} {
		_, err := DecodeSummary([]byte(text))
		assert.ErrorIs(t, err, ErrNoSummary, name)
	}
	_, err := DecodeSummary([]byte(`{"version":9,"tool":"v7","run":"x","digest":"sha256:"}`))
	assert.ErrorContains(t, err, "take the program that wrote it (v7)")
}

func TestCountsThatContradictOneAnotherAreFound(t *testing.T) {
	for want, change := range map[string]func(*Summary){
		"the counts per status add up to 2, not to 3":         func(s *Summary) { s.Status[OK] = 1 },
		"the rows of the timeline add up to 4, not to 3":      func(s *Summary) { s.Timeline.Rows[0] = 2 },
		"the counts per error add up to 2, not to 1":          func(s *Summary) { s.Errors[0].Count = 2 },
		"the list has 4 rows, and 3 have a result":            func(s *Summary) { s.Input.Rows = 4 },
		"the results have 2 rows, and the counts are about 3": func(s *Summary) { s.Output.Rows = 2 },
	} {
		s := aSummary()
		change(s)
		assert.Contains(t, s.Check(), want)
	}
}

// FuzzDecodeSummary holds that what is taken for a whole summary is one that
// Encode writes.
func FuzzDecodeSummary(f *testing.F) {
	whole := encoded(f, aSummary())
	f.Add(whole)
	f.Add([]byte(`{"version":1,"run":"r","digest":"sha256:"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSummary(b)
		if err != nil {
			return
		}
		s.Check()
		again, err := s.Encode()
		require.NoError(t, err)
		_, err = DecodeSummary(again)
		require.NoError(t, err)
	})
}
