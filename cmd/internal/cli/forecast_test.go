package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTimesAreGivenAsPeoplePlanWithThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                        "1 s",
		28 * time.Second:         "28 s",
		59900 * time.Millisecond: "1 min",
		90 * time.Second:         "2 min",
		9999 * time.Second:       "2 h 47 min",
		30 * time.Hour:           "30 h 0 min",
		76 * time.Hour:           "3 days 4 h",
	} {
		assert.Equal(t, want, Roughly(d), d)
	}
	assert.Equal(t, ", at 10/s about 2 h 46 min", timeFor(99600, ExpectedPace{PerSecond: 10}))
	assert.Equal(t, "; the rate is found automatically; about 2 h 46 min at 10/s", timeFor(99600, ExpectedPace{PerSecond: 10, Guessed: true}))
	assert.Empty(t, timeFor(5, ExpectedPace{}), "no ceiling")
}
