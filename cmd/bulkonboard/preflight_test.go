package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStandardInputMustBeWhatWasKept(t *testing.T) {
	const block = 64 << 10
	for _, size := range []int{1, block - 1, block, block + 1, 3 * block} {
		kept := strings.Repeat("x", size)
		require.NoError(t, sameList(strings.NewReader(kept), strings.NewReader(kept)))
		for name, c := range map[string]struct {
			incoming string
			at       int64
		}{
			"longer":         {kept + "y", int64(size) + 1},
			"shorter":        {kept[:size-1], int64(size)},
			"another end":    {kept[:size-1] + "y", int64(size)},
			"another at all": {"y" + kept[1:], 1},
		} {
			var other *otherStreamError
			require.ErrorAs(t, sameList(strings.NewReader(kept), strings.NewReader(c.incoming)), &other, name)
			assert.Equal(t, c.at, other.at, "%s than %d", name, size)
		}
	}
}
