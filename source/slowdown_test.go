//go:build !race

package source

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWhatPeopleUseDigestsAsEarlierVersionsDid runs where no race detector does.
func TestWhatPeopleUseDigestsAsEarlierVersionsDid(t *testing.T) {
	c := constant{field: lastName, value: "Lee"}
	assert.Equal(t, "ebd6e", c.digest("20260131T020000Z-abcdef"))
}
