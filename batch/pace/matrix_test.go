package pace

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sync/errgroup"
)

var (
	seeds = flag.Int("pace.seeds", 1, "simulations of each cell")
	all   = flag.Bool("pace.all", false, "the whole matrix, and its table")
	only  = flag.String("pace.only", "", "only cells whose name contains this")
)

// The gates, for the means over all seeds of a cell.
const (
	medianShare     = 0.97
	mostThrottled   = 0.01
	medianThrottled = 0.005
	mostInOutage    = 60
	mostRecovery    = 30.0
	hangingRecovery = 60.0
)

// column is the figures of one cell, by seed.
type column struct {
	cell cell
	runs []figures
}

// TestThePaceTakesTheQuotaAndKeepsToIt holds the controller against services
// of every kind, in virtual time.
func TestThePaceTakesTheQuotaAndKeepsToIt(t *testing.T) {
	columns := simulateAll(t)
	if *all {
		table(os.Stdout, columns)
	}
	var shares, throttled []float64
	for _, c := range columns {
		c.check(t)
		if !c.cell.reported {
			shares = append(shares, c.mean(func(f figures) float64 { return f.share }))
			throttled = append(throttled, c.mean(func(f figures) float64 { return f.throttled }))
		}
	}
	if *only == "" {
		assert.GreaterOrEqual(t, median(shares), medianShare, "median share of the quota")
		assert.LessOrEqual(t, median(throttled), medianThrottled, "median share of 429s")
	}
}

func simulateAll(t *testing.T) []column {
	var columns []column
	for _, c := range matrix() {
		if strings.Contains(c.name, *only) && (*all || !c.long) {
			columns = append(columns, column{cell: c, runs: make([]figures, *seeds)})
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range columns {
		for seed := range *seeds {
			g.Go(func() error {
				columns[i].runs[seed] = columns[i].cell.run(uint64(seed + 1))
				return nil
			})
		}
	}
	assert.NoError(t, g.Wait())
	return columns
}

func (c column) mean(of func(figures) float64) float64 {
	sum := 0.0
	for _, f := range c.runs {
		sum += of(f)
	}
	return sum / float64(len(c.runs))
}

func (c column) worst(of func(figures) float64, worse func(...float64) float64) float64 {
	var values []float64
	for _, f := range c.runs {
		values = append(values, of(f))
	}
	return worse(values...)
}

func most(values ...float64) float64  { return slices.Max(values) }
func least(values ...float64) float64 { return slices.Min(values) }

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// check holds a cell against the gates. With few seeds, one simulation may be a
// little off the mean.
func (c column) check(t *testing.T) {
	slack := 0.0
	if len(c.runs) < 10 {
		slack = 0.01
	}
	name := c.cell.name
	assert.Zero(t, c.worst(func(f figures) float64 { return float64(f.lost) }, most), "%s: rows lost", name)
	if c.cell.reported {
		return
	}
	assert.GreaterOrEqual(t, c.mean(func(f figures) float64 { return f.share }), c.cell.leastShare-slack, "%s: share of the quota", name)
	assert.LessOrEqual(t, c.mean(func(f figures) float64 { return f.throttled }), mostThrottled+slack/5, "%s: share of 429s", name)
	limit := mostRecovery
	if k := c.cell.server().outage; k == hanging || k == mixed {
		limit = hangingRecovery
	}
	assert.LessOrEqual(t, c.worst(func(f figures) float64 { return f.recovery }, most), limit, "%s: seconds to recover", name)
	assert.LessOrEqual(t, c.worst(func(f figures) float64 { return float64(f.inOutage) }, most), float64(mostInOutage), "%s: calls sent into the outage", name)
}

// table prints what everything came to.
func table(w io.Writer, columns []column) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "service\tquota used: mean\tworst\tfirst minute\t429: mean\tworst\tlost\trecovery, s\tcalls in outage\n")
	for _, c := range columns {
		share := func(f figures) float64 { return 100 * f.share }
		throttled := func(f figures) float64 { return 100 * f.throttled }
		fmt.Fprintf(out, "%s\t%.1f %%\t%.1f %%\t%.0f %%\t%.2f %%\t%.2f %%\t%.0f", c.cell.name,
			c.mean(share), c.worst(share, least), 100*c.mean(func(f figures) float64 { return f.firstMin }),
			c.mean(throttled), c.worst(throttled, most), c.worst(func(f figures) float64 { return float64(f.lost) }, most))
		if c.cell.server().outage != noOutage {
			fmt.Fprintf(out, "\t%.1f\t%.0f", c.worst(func(f figures) float64 { return f.recovery }, most), c.worst(func(f figures) float64 { return float64(f.inOutage) }, most))
		}
		if c.cell.reported {
			fmt.Fprint(out, "\t(without gates)")
		}
		fmt.Fprintln(out)
	}
	_ = out.Flush()
}
