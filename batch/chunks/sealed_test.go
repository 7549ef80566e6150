package chunks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatANewerVersionHasWrittenIsNotReadByHalf(t *testing.T) {
	b, err := sealText(map[string]any{"rate": 50, "slowly": true})
	require.NoError(t, err)
	var newer *NewerError
	require.ErrorAs(t, unsealText("bounds-000000.json", b, new(Bounds)), &newer)
	assert.ErrorContains(t, newer, `bounds-000000.json of the job was written by a newer version (unknown field "slowly"): use that one`)
	assert.NoError(t, Decode("x", []byte(`{"rate":50}`), new(Bounds)))
	assert.ErrorContains(t, Decode("x", []byte(`{"rate":50}{}`), new(Bounds)), "more than one object")
	var damaged *NewerError
	assert.NotErrorAs(t, Decode("x", []byte(`{"rate":"50"}`), new(Bounds)), &damaged)
}
