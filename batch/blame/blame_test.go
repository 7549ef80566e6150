package blame

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatARowWasChargedEarlierCounts(t *testing.T) {
	b := Charged(5)
	assert.Equal(t, 5, b.Charged())
	assert.True(t, b.Tried())
	assert.True(t, b.Used(5))
	assert.False(t, b.Used(6))
	b.Count()
	assert.Equal(t, 6, b.Charged())
}

func TestNoRowIsTriedForEver(t *testing.T) {
	b := Row{counted: mostTries * 3}
	assert.True(t, b.Used(3), "whatever chance can explain")
}
