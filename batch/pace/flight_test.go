package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNoMoreAreInFlightThanAllowed(t *testing.T) {
	c := newClient(Config{MaxInFlight: 2})
	assert.True(t, c.next(1).Send)
	assert.Equal(t, Decision{}, c.next(2), "only an answer changes anything")
}

func TestRoomInFlightFollowsTheRateAndTheRoundTrip(t *testing.T) {
	f := flight{most: 1000}
	now := start
	for range 100 {
		now = now.Add(20 * time.Millisecond)
		f.answered(now, 100*time.Millisecond)
	}
	assert.False(t, f.full(23, 100))
	assert.True(t, f.full(24, 100))
	assert.False(t, f.full(999, unpaced), "who does not pace has all of it")
}

func TestAServiceThatOnlySlowsDownIsNotGivenMoreAtOnce(t *testing.T) {
	f := flight{most: 1000}
	now, latency := start, 100*time.Millisecond
	for range 20000 { // fifty a second, however many are under way
		now = now.Add(20 * time.Millisecond)
		inFlight := 0
		for !f.full(inFlight, 100) {
			inFlight++
		}
		latency = max(100*time.Millisecond, time.Duration(inFlight)*20*time.Millisecond)
		f.answered(now, latency)
	}
	assert.Less(t, latency, time.Second)
}

func TestAServiceThatAnswersMoreIsGivenMoreAtOnce(t *testing.T) {
	f := flight{most: 1000}
	now := start
	for range 100 {
		now = now.Add(20 * time.Millisecond)
		f.answered(now, 100*time.Millisecond)
	}
	inFlight := 0
	for range 20000 { // two seconds for each call
		inFlight = 0
		for !f.full(inFlight, 50) {
			inFlight++
		}
		now = now.Add(2 * time.Second / time.Duration(inFlight))
		f.answered(now, 2*time.Second)
	}
	assert.Greater(t, inFlight, 90)
}
