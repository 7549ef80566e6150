package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTimesAreGivenAsPeoplePlanWithThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                        "1 s",
		28 * time.Second:         "28 s",
		59900 * time.Millisecond: "1 m",
		90 * time.Second:         "2 m",
		9999 * time.Second:       "2 h 47 m",
		30 * time.Hour:           "30 h 0 m",
		76 * time.Hour:           "3 days 4 h",
	} {
		assert.Equal(t, want, roughly(d), d)
	}
	assert.Equal(t, ", at 10/s about 2 h 46 m", timeFor(99600, expected{perSecond: 10}))
	assert.Equal(t, ", at a pace that is searched for: if it is 10/s, about 2 h 46 m", timeFor(99600, expected{perSecond: 10, guessed: true}))
	assert.Empty(t, timeFor(5, expected{}), "no ceiling")
}

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
