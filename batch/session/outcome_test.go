package session

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEachOutcomeHasANameOfItsOwn(t *testing.T) {
	names := map[string]bool{}
	for _, o := range Outcomes() {
		assert.Regexp(t, "^[a-z]+(_[a-z]+)*$", o.String(), int(o))
		assert.False(t, names[o.String()], o.String())
		names[o.String()] = true
		assert.True(t, o.Reached() || !o.Processed(), o.String())
	}
}
