package chunks

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"bulkonboard/batch/state"
)

func FuzzSegments(f *testing.F) {
	b, err := newSegment(head{Owner: "test", Rows: 2})
	require.NoError(f, err)
	b = appendEntry(b, state.Result, 7, []byte("payload"))
	f.Add(sealed(appendEntry(b, state.Ended, 8, nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, sealed(b)} {
			_ = parseSegment(b, func(_ state.Kind, row int64, _ []byte) error {
				require.GreaterOrEqual(t, row, int64(0))
				return nil
			})
		}
	})
}

func FuzzManifests(f *testing.F) {
	f.Add([]byte(`{"version":2,"parallel":1,"header":"aGVhZGVy","read":{"bytes":10},"forecast":{},"chunks":[{"begins":{"Offset":6},"rows":1,"bytes":4}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseManifest(b)
		whole, err := sealText(json.RawMessage(b))
		if err != nil {
			return
		}
		m, err := parseManifest(whole)
		if err != nil {
			return
		}
		for row := int64(1); row <= min(m.Rows(), 100); row++ {
			c := &m.Chunks[m.chunkOf(row)]
			require.True(t, row > c.Begins.Row && row <= c.last())
		}
	})
}
