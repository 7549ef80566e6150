package measure

import (
	"math/bits"
	"time"

	"bulkonboard/sink"
)

const (
	// latencySteps is how many ranges of equal length lie between a time and
	// twice that time: no range is longer than a sixteenth of where it begins.
	latencySteps = 16

	// maxLatency is what anything longer is taken for; it bounds the histogram
	// to some 460 ranges.
	maxLatency = time.Hour
)

// latencies is a histogram of how long attempts took. Its size is bounded and
// it is added to in constant time.
type latencies struct {
	Counts []int64       `json:"counts"` // by range, up to the last that has any
	Max    time.Duration `json:"max"`
}

func (l *latencies) add(d time.Duration) {
	l.Max = max(l.Max, d)
	i := latencyRange(d)
	for len(l.Counts) <= i {
		l.Counts = append(l.Counts, 0)
	}
	l.Counts[i]++
}

// merge takes in another histogram.
func (l *latencies) merge(o *latencies) {
	l.Max = max(l.Max, o.Max)
	for len(l.Counts) < len(o.Counts) {
		l.Counts = append(l.Counts, 0)
	}
	for i, n := range o.Counts {
		l.Counts[i] += n
	}
}

// latencyRange numbers the ranges: below 32 µs by the microsecond, above that
// sixteen between a power of two and the next.
func latencyRange(d time.Duration) int {
	v := uint64(max(0, min(d, maxLatency)) / time.Microsecond)
	if v < 2*latencySteps {
		return int(v)
	}
	shift := bits.Len64(v) - bits.Len(latencySteps)
	return latencySteps*shift + int(v>>shift)
}

// latencyEnd is where a range ends.
func latencyEnd(i int) time.Duration {
	if i < 2*latencySteps {
		return time.Duration(i+1) * time.Microsecond
	}
	shift := i/latencySteps - 1
	return time.Duration(i-latencySteps*shift+1) << shift * time.Microsecond
}

func (l *latencies) count() (n int64) {
	for _, c := range l.Counts {
		n += c
	}
	return n
}

// percentile is a time that a share of the attempts did not pass.
func (l *latencies) percentile(share float64) time.Duration {
	left := int64(share * float64(l.count()))
	for i, n := range l.Counts {
		if left -= n; left < 0 {
			return min(latencyEnd(i), l.Max)
		}
	}
	return l.Max
}

// Summary is the histogram as the summary file has it, in ranges that double.
func (l *latencies) Summary() sink.Latency {
	s := sink.Latency{
		Count: l.count(), Max: millis(l.Max), Counts: []int64{}, UpTo: []int64{},
		P50: millis(l.percentile(0.5)), P90: millis(l.percentile(0.9)), P95: millis(l.percentile(0.95)), P99: millis(l.percentile(0.99)),
	}
	upTo := int64(1)
	for i, n := range l.Counts {
		for len(s.UpTo) == 0 || latencyEnd(i) > time.Duration(upTo)*time.Millisecond {
			if len(s.UpTo) > 0 {
				upTo *= 2
			}
			s.UpTo, s.Counts = append(s.UpTo, upTo), append(s.Counts, 0)
		}
		s.Counts[len(s.Counts)-1] += n
	}
	return s
}

// millis is a time in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
