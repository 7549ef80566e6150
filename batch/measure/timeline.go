package measure

import (
	"math"
	"slices"
	"time"

	"bulkonboard/sink"
)

const (
	// maxBuckets bounds a timeline: with one more, two become one throughout,
	// each twice as long.
	maxBuckets = 240

	// maxStarts bounds the starts that a timeline lists.
	maxStarts = 50
)

// timeline adds to a sink.Timeline. Times are running time.
type timeline struct{ sink.Timeline }

// bucket is the number of the bucket that a time lies in; it is there when
// bucket returns.
func (t *timeline) bucket(at time.Duration) int {
	t.BucketSeconds = max(1, t.BucketSeconds)
	i := int(max(0, at) / t.length())
	for i >= maxBuckets {
		t.double()
		i /= 2
	}
	for len(t.Rows) <= i {
		t.Rows, t.Calls, t.Throttled = append(t.Rows, 0), append(t.Calls, 0), append(t.Throttled, 0)
		t.HeldSeconds, t.OutageSeconds = append(t.HeldSeconds, 0), append(t.OutageSeconds, 0)
	}
	return i
}

func (t *timeline) length() time.Duration { return time.Duration(t.BucketSeconds) * time.Second }

func (t *timeline) double() {
	t.BucketSeconds *= 2
	t.Rows, t.Calls, t.Throttled = inPairs(t.Rows), inPairs(t.Calls), inPairs(t.Throttled)
	t.HeldSeconds, t.OutageSeconds = inPairs(t.HeldSeconds), inPairs(t.OutageSeconds)
}

// inPairs adds up each two numbers, in place.
func inPairs[N int64 | float64](all []N) []N {
	for i := range all {
		if i%2 == 0 {
			all[i/2] = all[i]
		} else {
			all[i/2] += all[i]
		}
	}
	return all[:(len(all)+1)/2]
}

// spread adds a stretch of time that ends at a moment to the buckets that it
// lies in.
func (t *timeline) spread(seconds func(*timeline) []float64, end, took time.Duration) {
	from := max(0, end-took)
	for from < end {
		i := t.bucket(end)
		if end%t.length() == 0 { // it ends where the bucket before does
			i--
		}
		part := min(end-from, end-time.Duration(i)*t.length())
		seconds(t)[i] += part.Seconds()
		end -= part
	}
}

func held(t *timeline) []float64   { return t.HeldSeconds }
func outage(t *timeline) []float64 { return t.OutageSeconds }

// start adds a start. Of more than fit, the first one and the latest stay.
func (t *timeline) start(at time.Duration, now time.Time) {
	if len(t.Starts) == maxStarts {
		t.Starts = slices.Delete(t.Starts, 1, 2)
	}
	t.Starts = append(t.Starts, sink.Start{AtSeconds: at.Seconds(), StartedAt: now.UTC(), EndedAt: now.UTC()})
}

// merge takes in another timeline that began some time after this one, but for
// its rows.
func (t *timeline) merge(after time.Duration, o *timeline) {
	for i := range o.Rows {
		at := t.bucket(after + time.Duration(i)*o.length())
		t.Calls[at] += o.Calls[i]
		t.Throttled[at] += o.Throttled[i]
		t.HeldSeconds[at] += o.HeldSeconds[i]
		t.OutageSeconds[at] += o.OutageSeconds[i]
	}
}

// later moves all that is on the timeline to later.
func (t *timeline) later(by time.Duration) {
	before := t.clone()
	*t = timeline{}
	t.Starts = before.Starts
	t.Starts[0].StartedAt = t.Starts[0].StartedAt.Add(-by)
	t.merge(by, &before)
}

// clone is a copy that shares nothing.
func (t *timeline) clone() timeline {
	c := *t
	c.Rows, c.Calls, c.Throttled = slices.Clone(t.Rows), slices.Clone(t.Calls), slices.Clone(t.Throttled)
	c.HeldSeconds, c.OutageSeconds = slices.Clone(t.HeldSeconds), slices.Clone(t.OutageSeconds)
	c.Starts = slices.Clone(t.Starts)
	return c
}

// Summary is the timeline as the summary file has it.
func (t *timeline) Summary() sink.Timeline {
	c := t.clone()
	c.bucket(0) // no list is null
	for _, all := range [][]float64{c.HeldSeconds, c.OutageSeconds} {
		for i, n := range all {
			all[i] = math.Round(n*1e3) / 1e3
		}
	}
	return c.Timeline
}
