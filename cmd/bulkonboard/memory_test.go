package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGarbageIsTheSameWhateverIsInUse(t *testing.T) {
	for inUse, percent := range map[uint64]int{
		0:         200, // and not so much that a small run grows large
		4 << 20:   200,
		16 << 20:  50,
		32 << 20:  25,
		512 << 20: 25,
	} {
		assert.Equal(t, percent, percentOf(inUse), "%d MiB", inUse>>20)
	}
}

func TestTheCollectorCountsWhatIsInUse(t *testing.T) {
	assert.Positive(t, inUse())
}
