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
			for _, class := range []Class{Throttled, Fault, Down} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, pace, class), func(t *testing.T) {
					config.MaxOutage = 2 * time.Hour
					s := &server{nearby: true, latency: lognormal(0.02), bad: func(row int) (Class, bool) { return class, bad(row) }}
					sim := simulateList(New(config), s, 1, 20*minutes, 2000, 3)
					assert.Equal(t, 2000, sim.settled, "rows that have their result")
					assert.Zero(t, sim.lost, "good rows that failed")
					assert.LessOrEqual(t, sim.mostTries, 8*3, "as many as chance can excuse")
				})
			}
		}
	}
}
