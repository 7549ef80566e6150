package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheCollectorKeepsToTheRoomThereIs(t *testing.T) {
	const mib = 1 << 20
	for inUse, percent := range map[int]int{
		0:         300, // and not so much that a small run grows large
		4 * mib:   300,
		8 * mib:   100,
		16 * mib:  43,
		20 * mib:  35,
		512 * mib: 25,
	} {
		assert.Equal(t, percent, percentOf(inUse), "%d MiB", inUse/mib)
	}
}

func TestTheCollectorCountsWhatIsInUse(t *testing.T) {
	assert.Positive(t, inUse())
}
