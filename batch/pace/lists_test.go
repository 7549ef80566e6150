package pace

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestListsWithRowsThatAlwaysFailEnd simulates finite lists, with rows picked as
// the dispatcher does.
func TestListsWithRowsThatAlwaysFailEnd(t *testing.T) {
	lists := map[string]func(row int) bool{
		"one":          func(row int) bool { return row == 700 },
		"the last 10":  func(row int) bool { return row >= 1990 },
		"the first 20": func(row int) bool { return row < 20 },
		"a tenth":      func(row int) bool { return row*7919%10 == 0 },
		"a third":      func(row int) bool { return row*7919%3 == 0 },
		"500 together": func(row int) bool { return row >= 1000 && row < 1500 },
	}
	paces := map[string]Config{"0": {MaxInFlight: 64}, "50": {Ceiling: 50, MaxInFlight: 64}, "auto": {Search: true, MaxInFlight: 512}}
	for name, bad := range lists {
		for pace, config := range paces {
			for _, signal := range []Signal{{Class: Throttled}, {Class: Throttled, RetryAfter: 2 * time.Second}, {Class: Fault}, {Class: Down}} {
				t.Run(fmt.Sprintf("%s/%s/%d %s", name, pace, signal.Class, signal.RetryAfter), func(t *testing.T) {
					config.MaxOutage = 2 * time.Hour
					s := &server{nearby: true, latency: lognormal(0.02), badAsks: signal.RetryAfter, bad: func(row int) (Class, bool) { return signal.Class, bad(row) }}
					sim := simulateList(New(config), s, 1, 20*minutes, 2000, 3)
					assert.Equal(t, 2000, sim.settled, "rows that have their result")
					assert.Zero(t, sim.lost, "good rows that failed")
					assert.LessOrEqual(t, sim.mostTries, 8*3, "as many as chance can excuse")
				})
			}
		}
	}
}

// TestRowsThatAreAlwaysRefusedHideNoQuota has a tenth of a list refused always by a
// service that has a quota, too.
func TestRowsThatAreAlwaysRefusedHideNoQuota(t *testing.T) {
	const rows = 20000
	quotas := map[string]func() quota{
		"bucket 50/s":           func() quota { return &bucket{rate: steady(50), burst: 50} },
		"window 3,000 a minute": func() quota { return &fixedWindow{limit: 3000, length: 60} },
		"bucket 50/s of 30 s":   func() quota { return &bucket{rate: steady(50), burst: 1500} },
	}
	paces := map[string]Config{"200": {Ceiling: 200, MaxInFlight: 64}, "auto": {Search: true, MaxInFlight: 512}}
	for name, quota := range quotas {
		for pace, config := range paces {
			for _, asks := range []time.Duration{0, 2 * time.Second} {
				t.Run(fmt.Sprintf("%s/%s/%s", name, pace, asks), func(t *testing.T) {
					config.MaxOutage = 2 * time.Hour
					s := &server{
						nearby: true, latency: lognormal(0.02), quota: quota(), badAsks: asks,
						bad: func(row int) (Class, bool) { return Throttled, row*7919%10 == 0 },
					}
					sim := simulateList(New(config), s, 1, 30*minutes, rows, maxAttempts)
					assert.Equal(t, rows, sim.settled, "rows that have their result")
					assert.Zero(t, sim.lost, "good rows that failed")
				})
			}
		}
	}
}
