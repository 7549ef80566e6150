package preflight

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAListMustHaveMostOfTheRowsOfTheLastOne(t *testing.T) {
	last := &LastRun{Rows: 1001, At: time.Now()}
	for _, c := range []struct {
		limit       string
		known       bool
		rows, least int64
	}{
		{"", false, 1, 1}, {"", false, 0, 1}, {"", true, 901, 901}, {"", true, 900, 901}, {"0", true, 0, 0}, {"0", false, 0, 0},
		{"5", true, 5, 5}, {"5", false, 4, 5}, {"50%", true, 501, 501}, {"50%", true, 500, 501}, {"50%", false, 0, 1}, {"100%", true, 1000, 1001},
	} {
		limit, err := ParseRowLimit(c.limit)
		require.NoError(t, err)
		known := last
		if !c.known {
			known = nil
		}
		err = limit.Check(c.rows, known)
		if c.rows >= c.least {
			assert.NoError(t, err, c)
			continue
		}
		var shrunken *ShrunkenError
		require.ErrorAs(t, err, &shrunken, c)
		assert.Equal(t, c.least, shrunken.Least, c)
		assert.Contains(t, err.Error(), "add --min-rows ", c)
	}
	assert.ErrorContains(t, RowLimit{}.Check(10, last), "the list has 10 rows, and that of the last complete run")
	assert.ErrorContains(t, RowLimit{}.Check(0, nil), "the list has no rows, and at least 1 must be there; nothing was sent")
	for _, wrong := range []string{"-1", "x", "0%", "101%"} {
		_, err := ParseRowLimit(wrong)
		assert.Error(t, err, wrong)
	}
}
