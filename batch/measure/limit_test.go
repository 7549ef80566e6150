package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestALimitIsACountOrAShareOfAllRows(t *testing.T) {
	assert.True(t, Limit{Count: 5}.Allows(5, 10))
	assert.False(t, Limit{Count: 5}.Allows(6, 1000))
	assert.True(t, Limit{Percent: 20}.Allows(2, 10))
	assert.False(t, Limit{Percent: 20}.Allows(2, 9))
	assert.False(t, Limit{}.Allows(1, 10))
}

func FuzzALimitIsReadAsItIsWritten(f *testing.F) {
	for _, seed := range []string{"5", "5%", "0", "NaN%", "101%", "-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLimit(s, 1)
		assert.Equal(t, err == nil, l.Count > 0 || l.Percent > 0 && l.Percent <= 100)
		if err == nil {
			again, err := ParseLimit(l.String(), 1)
			assert.NoError(t, err)
			assert.Equal(t, l.Count, again.Count)
		}
	})
}
