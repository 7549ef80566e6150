package pace

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

var (
	seeds = flag.Int("pace.seeds", 1, "simulations of each cell")
	all   = flag.Bool("pace.all", false, "the whole matrix, and its table")
	only  = flag.String("pace.only", "", "only cells whose name this regular expression matches")
)

// The gates of outages.
const (
	mostInOutage = 60
	mostRecovery = 30.0
)

// column is the figures of one cell, by seed.
type column struct {
	cell cell
	runs []figures
}

// TestThePaceTakesTheQuotaAndKeepsToIt compares the controller with services
// of every kind, in virtual time.
func TestThePaceTakesTheQuotaAndKeepsToIt(t *testing.T) {
	columns := simulateAll(t)
	if *all {
		table(os.Stdout, columns)
	}
	for _, c := range columns {
		t.Run(c.cell.name, c.check)
	}
}

func simulateAll(t *testing.T) []column {
	var columns []column
	which := regexp.MustCompile(*only)
	for _, c := range matrix() {
		if which.MatchString(c.name) && (*all || c.ordinary) {
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
	require.NoError(t, g.Wait())
	return columns
}

func (c column) mean(of func(figures) float64) float64 {
	sum := 0.0
	for _, f := range c.runs {
		sum += of(f)
	}
	return sum / float64(len(c.runs))
}

func (c column) most(of func(figures) float64) float64 {
	worst := 0.0
	for _, f := range c.runs {
		worst = max(worst, of(f))
	}
	return worst
}

func lost(f figures) float64      { return float64(f.lost) }
func throttled(f figures) float64 { return f.throttled }
func repeats(f figures) float64   { return f.repeats }
func recovery(f figures) float64  { return f.recovery }
func inOutage(f figures) float64  { return float64(f.inOutage) }

// check compares the means of a cell with its gates. With few seeds, one
// simulation may be a little off the mean.
func (c column) check(t *testing.T) {
	slack := 0.0
	if len(c.runs) < 10 {
		slack = 0.02
	}
	assert.Zero(t, c.most(lost), "rows lost")
	for i, g := range c.cell.gates {
		share := c.mean(func(f figures) float64 { return f.shares[i] })
		assert.GreaterOrEqual(t, share, g.least-slack, "share of the quota from %g s to %g s", g.from, g.upTo)
	}
	assert.LessOrEqual(t, c.mean(throttled), c.cell.throttled+slack/5, "share of 429s")
	assert.LessOrEqual(t, c.mean(repeats), c.cell.repeats, "share of repeats")
	assert.LessOrEqual(t, c.most(recovery), mostRecovery, "seconds to recover")
	assert.LessOrEqual(t, c.most(inOutage), float64(mostInOutage), "calls sent into the outage")
}

// table prints what everything came to, counted from the first call.
func table(w io.Writer, columns []column) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "service\tquota used: 30 s\t60 s\t5 min\t30 min\t429\trepeats\tlost\trecovery, s\tcalls in outage\n")
	for _, c := range columns {
		fmt.Fprint(out, c.cell.name)
		for i := range fromTheFirstCall {
			fmt.Fprintf(out, "\t%.1f %%", 100*c.mean(func(f figures) float64 { return f.shares[len(c.cell.gates)+i] }))
		}
		fmt.Fprintf(out, "\t%.2f %%\t%.2f %%\t%.0f", 100*c.mean(throttled), 100*c.mean(repeats), c.most(lost))
		if c.cell.server().outage != noOutage {
			fmt.Fprintf(out, "\t%.1f\t%.0f", c.most(recovery), c.most(inOutage))
		}
		fmt.Fprintln(out)
	}
	_ = out.Flush()
}
