package batch

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
)

// sender sends whatever a ceiling lets go, by timers that are late by as much as
// jitter.
type sender struct {
	*ceiling
	now    time.Time
	random *rand.Rand
	times  []time.Time
}

var beginning = time.Unix(1e9, 0)

func newSender(c pace.Config) *sender {
	return &sender{ceiling: newCeiling(c), now: beginning, random: rand.New(rand.NewPCG(1, 1))}
}

func (s *sender) run(d, jitter time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		if at := s.next(s.now); at.After(s.now) {
			s.now = at.Add(time.Duration(s.random.Int64N(int64(jitter))))
			continue
		}
		s.take(s.now)
		s.times = append(s.times, s.now)
		s.now = s.now.Add(time.Microsecond)
	}
}

func busiestSecond(sent []time.Time) int {
	busiest, from := 0, 0
	for i, at := range sent {
		for at.Sub(sent[from]) >= time.Second {
			from++
		}
		busiest = max(busiest, i-from+1)
	}
	return busiest
}

func TestTheCeilingIsReachedAndNeverPassedWhateverTheTimersDo(t *testing.T) {
	for _, perSecond := range []float64{0.5, 5, 50, 1000} {
		for _, jitter := range []time.Duration{time.Microsecond, time.Millisecond} {
			s := newSender(pace.Config{Ceiling: perSecond})
			s.run(time.Minute, jitter)
			assert.GreaterOrEqual(t, float64(len(s.times)), 0.98*perSecond*60, "%v/s, %v", perSecond, jitter)
			assert.LessOrEqual(t, float64(busiestSecond(s.times)), math.Ceil(perSecond), "%v/s, %v", perSecond, jitter)
		}
	}
}

func TestStallsTakeLittleOfTheCeilingAndNoSecondPassesIt(t *testing.T) {
	const perSecond = 1000
	for _, stall := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 45 * time.Millisecond, 2 * time.Second} {
		s := newSender(pace.Config{Ceiling: perSecond})
		for range 300 { // five stalls a second, but for the longest
			s.run(200*time.Millisecond-min(stall, 100*time.Millisecond), 500*time.Microsecond)
			s.now = s.now.Add(time.Duration(s.random.Int64N(int64(stall))))
		}
		assert.LessOrEqual(t, busiestSecond(s.times), perSecond, "stalls of %s", stall)
		if stall < makesUp {
			used := float64(len(s.times)) / perSecond / s.now.Sub(beginning).Seconds()
			assert.GreaterOrEqual(t, used, 0.97, "stalls of %s", stall)
		}
	}
}

func TestTheCeilingIsNotPassedAfterPausesEither(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := newSender(pace.Config{Ceiling: 50})
		for range 200 {
			s.run(time.Duration(r.Int64N(int64(3*time.Second))), time.Millisecond)
			s.now = s.now.Add(time.Duration(math.Exp(12*r.Float64())) * 100 * time.Microsecond)
		}
		require.LessOrEqual(t, busiestSecond(s.times), 50, "seed %d", seed)
	}
}

func TestIdlenessSavesUpNothing(t *testing.T) {
	s := newSender(pace.Config{Ceiling: 10})
	s.run(time.Microsecond, time.Microsecond)
	s.now = s.now.Add(time.Hour)
	s.run(50*time.Millisecond, time.Microsecond)
	require.Len(t, s.times, 2, "one after an idle hour, and not two")
	assert.InDelta(t, 100*time.Millisecond, s.next(s.now).Sub(s.times[1]), float64(2*time.Millisecond))
}

func TestCeilingsThatBeginEmptyShareAQuotaHoweverOftenTheyBegin(t *testing.T) {
	var sent []time.Time
	for i := range 100 {
		s := newSender(pace.Config{Ceiling: 10, Shared: true})
		s.now = beginning.Add(time.Duration(i) * 250 * time.Millisecond)
		s.run(250*time.Millisecond, time.Microsecond)
		sent = append(sent, s.times...)
	}
	assert.LessOrEqual(t, busiestSecond(sent), 10)
	assert.GreaterOrEqual(t, len(sent), 150, "two in each quarter of a second")
}

func TestASecondOfHandoversKeepsToAQuotaThatIsShared(t *testing.T) {
	const quota, parts, share = 1000, 4, 0.98 * 1000 / 4
	var sent []time.Time
	for range parts {
		now := beginning
		for range 20 { // each idles at its end, sends what that saved up, and hands over at once
			s := newSender(pace.Config{Ceiling: share, Shared: true})
			s.now = now
			s.run(time.Second, time.Microsecond)
			s.now = s.now.Add(time.Second)
			s.run(50*time.Millisecond, time.Microsecond)
			sent, now = append(sent, s.times...), s.now
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	assert.LessOrEqual(t, busiestSecond(sent), quota)
}
