//go:build bench && linux

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a run may cost. With BENCH_GATES set, a benchmark that finds more
// fails: by medians, and by what can be told from a list of that length.
const (
	leastOfBare   = 0.85 // rows/s of the bare loop's; of lists long enough that starting does not count
	mostMiB       = 48.0 // at most in use
	mostToFirst   = 50.0 // milliseconds to the first call of a short list
	mostForShort  = 1.0  // seconds for the whole of it
	mostSlower    = 0.05 // by which the last tenth of a long list may be slower than the first
	shortList     = 10_000
	ordinaryList  = 100_000
	longList      = 1_000_000
	bytesInOneMiB = 1 << 20
)

// gate checks what was measured of one client.
func gate(t *testing.T, name string, rows int, of, bare []measure) {
	if os.Getenv("BENCH_GATES") == "" {
		return
	}
	middle := func(f func(m, bare measure) float64) float64 {
		var values []float64
		for i, m := range of {
			values = append(values, f(m, bare[i]))
		}
		return median(values)
	}
	peak := middle(func(m, _ measure) float64 { return m.rss })
	assert.Less(t, peak, mostMiB, "%s: peak MiB", name)
	if rows <= shortList {
		assert.Less(t, middle(func(m, _ measure) float64 { return m.first }), mostToFirst, "%s: ms to the first call", name)
		assert.Less(t, middle(func(m, _ measure) float64 { return float64(rows) / m.rate }), mostForShort, "%s: seconds", name)
	}
	if rows >= ordinaryList {
		assert.GreaterOrEqual(t, middle(func(m, bare measure) float64 { return m.rate / bare.rate }), leastOfBare, "%s: rows/s of bare", name)
	}
	if rows >= longList {
		assert.Greater(t, middle(func(m, _ measure) float64 { return m.slower }), 1-mostSlower, "%s: last tenth of first", name)
	}
}
