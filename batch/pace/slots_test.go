package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meets has calls meet from 2 to 11 others, of which those are refused that refuse
// says, each at a rate of its own.
func (s *slots) meets(calls int, refuse func(others, call int) bool) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range calls {
		t := Ticket{others: 2 + r.IntN(5) + r.IntN(6), epoch: n + 1}
		if s.most > 0 {
			t.others = min(t.others, s.most+s.more-1)
		}
		if refuse(t.others, n) {
			s.refused(start.Add(time.Duration(n)*time.Second), t)
		} else {
			s.accepted(start.Add(time.Duration(n)*time.Second), t)
		}
	}
}

func TestWhatAServiceTakesAtOnceIsFoundByWhatRefusedCallsMeet(t *testing.T) {
	var s slots
	s.meets(2000, func(others, _ int) bool { return others >= 10 })
	assert.Equal(t, 10, s.most)
}

func TestRefusalsThatMeetAsManyAsOtherCallsSayNothingOfHowManyAreTaken(t *testing.T) {
	var s slots
	s.meets(20_000, func(_, call int) bool { return call%10 == 0 })
	assert.Zero(t, s.most)
}

func TestRefusalsAtOneRateHaveOneReason(t *testing.T) {
	s := slots{usual: 3}
	for range 100 {
		_, found := s.refused(start, Ticket{others: 9, epoch: 1})
		require.False(t, found)
	}
}

func TestMoreCallsAtOnceAreTriedFromTimeToTime(t *testing.T) {
	s, now := slots{most: 10}, start
	full := func() Ticket { return Ticket{others: s.most + s.more - 1} }
	s.accepted(now, full())
	require.Equal(t, 1, s.more)
	tried, _ := s.refused(now, full())
	assert.True(t, tried, "it was the trial's doing")
	assert.Equal(t, 10, s.most+s.more)

	s.accepted(now.Add(time.Second), full())
	assert.Zero(t, s.more, "and it is a while to the next one")
	now = now.Add(time.Minute)
	s.accepted(now, Ticket{others: 3})
	assert.Zero(t, s.more, "none is needed where there is room")
	s.accepted(now, full())
	require.Equal(t, 1, s.more)
	s.accepted(now.Add(time.Minute), Ticket{others: 3})
	assert.Equal(t, 10, s.most, "that was no trial of more")
	s.accepted(now.Add(time.Minute), full())
	assert.Equal(t, 11, s.most, "nothing was refused")

	tried, _ = s.refused(now, Ticket{others: 5})
	assert.False(t, tried, "that is about something else")
}
