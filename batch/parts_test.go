package batch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// families are {1, 4, 9}, {2, 3} and {5, 8}.
func severalFamilies() *Duplicates {
	return newDuplicates([]member{{1, 9}, {2, 3}, {3, 2}, {4, 1}, {5, 8}, {8, 5}, {9, 1}})
}

func pairsOf(d *Duplicates) map[int64]int64 {
	pairs := map[int64]int64{}
	for row, first := range d.All() {
		pairs[row] = first
	}
	return pairs
}

func TestAPartHasTheCustomersThatAreWhollyInIt(t *testing.T) {
	d := severalFamilies()
	within, beyond := d.Part(1, 4)
	assert.Equal(t, map[int64]int64{3: 2}, pairsOf(within))
	assert.Equal(t, map[int64]bool{4: true}, beyond, "its customer goes on in another part")

	within, beyond = d.Part(5, 9)
	assert.Equal(t, map[int64]int64{8: 5}, pairsOf(within))
	assert.Equal(t, map[int64]bool{9: true}, beyond)

	within, beyond = (*Duplicates)(nil).Part(1, 9)
	assert.Zero(t, within.Len())
	assert.Empty(t, beyond)
}

func TestFamiliesAreChosenByTheRowThatLeads(t *testing.T) {
	var asked []int64
	left := severalFamilies().Led(func(lead int64) bool { asked = append(asked, lead); return lead != 2 })
	assert.Equal(t, map[int64]int64{4: 1, 9: 1, 8: 5}, pairsOf(left))
	assert.Equal(t, []int64{1, 2, 5}, asked)
	last, leads := left.Last(1)
	assert.True(t, leads)
	assert.EqualValues(t, 9, last)
	assert.Zero(t, severalFamilies().Led(func(int64) bool { return false }).Len())
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
