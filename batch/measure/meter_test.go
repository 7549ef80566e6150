package measure

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

func TestPercentilesAreNeverBelowTheTrueOnesAndAtMostASixteenthAbove(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l latencies
	all := make([]time.Duration, 10_000)
	for i := range all {
		all[i] = time.Duration(r.ExpFloat64() * float64(80*time.Millisecond)).Truncate(time.Microsecond)
		l.add(all[i])
	}
	slices.Sort(all)
	for _, share := range []float64{0, 0.01, 0.5, 0.9, 0.95, 0.99} {
		truth, got := all[int(share*float64(len(all)))], l.percentile(share)
		assert.Greater(t, got, truth-time.Microsecond, "%g", share)
		assert.LessOrEqual(t, got, truth+truth/latencySteps+time.Microsecond, "%g", share)
	}
	assert.Equal(t, all[len(all)-1], l.percentile(1))

	s := l.Summary()
	assert.Equal(t, int64(len(all)), s.Count)
	var sum int64
	for _, n := range s.Counts {
		sum += n
	}
	assert.Equal(t, s.Count, sum)
	assert.Len(t, s.UpTo, len(s.Counts))
}

func TestEveryTimeHasOneRangeAndTheirNumberIsBounded(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 2*maxLatency; d += max(time.Microsecond, d/100) {
		i := latencyRange(d)
		require.GreaterOrEqual(t, i, last)
		require.LessOrEqual(t, i, last+1)
		require.Less(t, min(d, maxLatency)-time.Microsecond, latencyEnd(i))
		last = i
	}
	assert.Less(t, last, 480)
	var l latencies
	l.add(-time.Second)
	l.add(1000 * time.Hour)
	assert.Equal(t, 1000*time.Hour, l.Max)
	assert.Less(t, len(l.Counts), 480)
	assert.Zero(t, new(latencies).percentile(0.5))
}

func TestATimelineKeepsItsSumsWhileItsBucketsDouble(t *testing.T) {
	var l timeline
	for at := time.Duration(0); at < 100*time.Hour; at += 7 * time.Minute {
		i := l.bucket(at)
		l.Rows[i]++
		require.LessOrEqual(t, len(l.Rows), maxBuckets)
	}
	var sum int64
	for _, n := range l.Rows {
		sum += n
	}
	assert.Equal(t, int64(858), sum)
	assert.Equal(t, int64(2048), l.BucketSeconds)
	assert.Len(t, l.HeldSeconds, len(l.Rows))
	assert.InDelta(t, 5, l.Rows[100], 1, "every seventh minute of 34")
}

func TestAStretchOfTimeIsSpreadOverTheBucketsItLiesIn(t *testing.T) {
	for _, c := range []struct {
		name      string
		end, took time.Duration
		want      []float64
	}{
		{"inside one", 1900 * time.Millisecond, 500 * time.Millisecond, []float64{0, 0.5}},
		{"over a border", 2300 * time.Millisecond, 1500 * time.Millisecond, []float64{0.2, 1, 0.3}},
		{"up to a border", 2 * time.Second, time.Second, []float64{0, 1, 0}},
		{"longer than the run", time.Second, time.Hour, []float64{1, 0}},
		{"none", time.Second, 0, nil},
	} {
		var l timeline
		l.spread(held, c.end, c.took)
		assert.InDeltaSlice(t, c.want, l.HeldSeconds, 1e-9, c.name)
	}
}

// TestAMeterThatGoesOnAddsToWhatEarlierStartsMeasured goes through a checkpoint
// as a resumed run does.
func TestAMeterThatGoesOnAddsToWhatEarlierStartsMeasured(t *testing.T) {
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	second := func(n float64) time.Time { return at.Add(time.Duration(n * float64(time.Second))) }
	first := NewMeter(Measures{}, at)
	first.Wrote(1, second(0.5))
	first.Answered(second(0.5), &session.Reply{Outcome: session.OK, Latency: 20 * time.Millisecond})
	first.Answered(second(1), &session.Reply{Outcome: session.Throttled, Latency: time.Millisecond})
	first.Answered(second(1), &session.Reply{Outcome: session.Cancelled})
	first.Paced(second(2), pace.Snapshot{Held: time.Second})
	first.Paced(second(3), pace.Snapshot{Held: 2 * time.Second, Outages: 1, Outage: 500 * time.Millisecond})
	b, err := json.Marshal(first.Measures(second(3)))
	require.NoError(t, err)

	var before Measures
	require.NoError(t, json.Unmarshal(b, &before))
	later := at.Add(20 * time.Hour)
	again := NewMeter(before, later)
	again.Wrote(1, later.Add(time.Second))
	again.Answered(later.Add(time.Second), &session.Reply{Outcome: session.Throttled})
	again.Paced(later.Add(2*time.Second), pace.Snapshot{Held: time.Second, Outages: 1, Outage: time.Second})
	m := again.Measures(later.Add(2 * time.Second))

	assert.Equal(t, at, m.StartedAt.UTC())
	assert.Equal(t, 5*time.Second, m.Running)
	assert.Equal(t, int64(2), m.Throttled)
	assert.Equal(t, 3*time.Second, m.Held)
	assert.Equal(t, 1500*time.Millisecond, m.Outage)
	assert.Equal(t, int64(2), m.Outages)
	assert.Equal(t, int64(1), m.Latency.count())
	l := m.Timeline.Summary()
	assert.Equal(t, []int64{1, 0, 0, 0, 1, 0}, l.Rows)
	assert.Equal(t, []int64{1, 1, 0, 0, 1, 0}, l.Calls)
	assert.Equal(t, []int64{0, 1, 0, 0, 1, 0}, l.Throttled)
	assert.Equal(t, []float64{0, 1, 1, 0, 1, 0}, l.HeldSeconds)
	assert.Equal(t, []float64{0, 0, 0.5, 0, 1, 0}, l.OutageSeconds)
	require.Len(t, l.Starts, 2)
	assert.InDelta(t, 3, l.Starts[1].AtSeconds, 1e-9)
	assert.Equal(t, second(3), l.Starts[0].EndedAt)
	assert.Equal(t, later, l.Starts[1].StartedAt)
}

func TestOfManyStartsTheFirstAndTheLatestAreListed(t *testing.T) {
	var m Measures
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	for i := range 3 * maxStarts {
		m = NewMeter(m, at.Add(time.Duration(i)*time.Hour)).Measures(at.Add(time.Duration(i)*time.Hour + time.Second))
	}
	starts := m.Timeline.Starts
	assert.Len(t, starts, maxStarts)
	assert.Equal(t, at, starts[0].StartedAt)
	assert.InDelta(t, 3*maxStarts-1, starts[maxStarts-1].AtSeconds, 1e-9)
}

func TestMeasuresOfPartsAddUpOnOneTimeline(t *testing.T) {
	began := time.Unix(1e9, 0)
	part := func(after time.Duration, rows int64) *Measures {
		m := Measures{StartedAt: began.Add(after), Running: 10 * time.Second, Throttled: 1}
		m.Timeline.start(0, m.StartedAt)
		m.Timeline.Calls[m.Timeline.bucket(9*time.Second)] = rows
		m.Latency.add(time.Duration(rows) * time.Millisecond)
		return &m
	}
	var all Measures
	for _, m := range []*Measures{part(5*time.Second, 2), part(0, 1), part(20*time.Second, 3)} {
		all.Add(m)
	}
	assert.Equal(t, began, all.StartedAt)
	assert.Equal(t, 30*time.Second, all.Running)
	assert.EqualValues(t, 3, all.Throttled)
	assert.EqualValues(t, 3, all.Latency.count())
	require.Len(t, all.Timeline.Calls, 30)
	assert.Equal(t, []int64{1, 2, 3}, []int64{all.Timeline.Calls[9], all.Timeline.Calls[14], all.Timeline.Calls[29]})
	require.Len(t, all.Timeline.Starts, 1)
	assert.Equal(t, began.UTC(), all.Timeline.Starts[0].StartedAt.UTC())
	assert.Equal(t, began.Add(30*time.Second).UTC(), all.Timeline.Starts[0].EndedAt)
}
