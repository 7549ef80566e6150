package batch

import (
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

func TestAListThatIsReadAgainMustBeTheSameUpToWhereItEnded(t *testing.T) {
	const (
		header = "customerType,customerEmail,firstName,lastName\n"
		ann    = "Individual,ann@example.com,Ann,Lee\n"
		bob    = "Individual,bob@example.com,Bob,Ray\n"
		cid    = "Individual,cid@example.com,Cid,Fox\n"
	)
	cases := []struct {
		name, before, now string
		rows              int
		reason            string
	}{
		{"unchanged", ann + bob, ann + bob, 2, ""},
		{"grown", ann + bob, ann + bob + cid, 2, ""},
		{"grown behind a last line without a line end", ann + strings.TrimSpace(bob), ann + bob + cid, 1, "bytes differ"},
		{"cut short", ann + bob + cid, ann + bob, 2, "shorter"},
		{"empty", ann, "", 0, "shorter"},
		{"written again", ann + bob + cid, bob + ann + cid, 2, "bytes differ"},
		{"written again and shorter", ann + bob + cid, cid, 1, "shorter"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ends := endsOf(t, header+c.before)
			list, err := source.Open(strings.NewReader(header+c.now), source.Options{})
			require.NoError(t, err)
			rows, err := drain(unchanged(list.Records(), ends, 0))
			assert.Equal(t, c.rows, rows)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			var changed *source.ChangedError
			require.ErrorAs(t, err, &changed)
			assert.Contains(t, changed.Reason, c.reason)
		})
	}
}

// endsOf is where a preflight finds that a list ends.
func endsOf(t *testing.T, text string) source.Position {
	list, err := source.Open(strings.NewReader(text), source.Options{})
	require.NoError(t, err)
	var last *source.Record
	for rec, err := range list.Records() {
		require.NoError(t, err)
		last = rec
	}
	if last == nil {
		return source.Position{}
	}
	return last.Next
}

func drain(records iter.Seq2[*source.Record, error]) (rows int, err error) {
	for _, err := range records {
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}
