//go:build cluster

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
)

// rowsVariable says how many rows the list has that is taken through whole.
const rowsVariable = "CLUSTER_ROWS"

// wholeRows are enough that the ends of chunks, when shares idle for a moment,
// do not count: chunks are of minutes, but for tests.
const (
	wholeRows   = 40_000
	wholeChunks = 8
)

func TestManyWorkersComeToTheResultsOfOneMachineWithinTheQuota(t *testing.T) {
	rows := wholeRows
	if text := os.Getenv(rowsVariable); text != "" {
		var err error
		rows, err = strconv.Atoi(text)
		require.NoError(t, err, rowsVariable)
	}
	c := newCluster(t, "")
	require.NoError(t, os.WriteFile(c.file("list.csv"), motley(rows), 0o600))
	alone := c.alone()

	// A store that takes longer than that has the calls wait, and the disk of a
	// machine that tests may.
	c.workers(3, "--flush-every", "1s")
	began := time.Now()
	submitted := c.start(c.submitArgs("--chunk-rows", strconv.Itoa(rows/wholeChunks), "--rejects", c.file("rejects.csv"))...)
	require.Equal(t, cli.ExitBadRows, submitted.end(10*time.Minute), "%s", submitted.said.bytes())
	whole := time.Since(began)

	c.requireAsAlone()
	assert.Equal(t, alone.Stats().Calls, c.service.Stats().Calls)
	c.requireWithin(alone.Stats().RepeatedCalls)
	used := float64(c.service.Stats().Calls) / c.service.span().Seconds() / perSecond
	t.Logf("%.1f%% of the quota used between the first call and the last; from submit to the results %s", 100*used, whole.Round(time.Millisecond))
	assert.GreaterOrEqual(t, used, 0.9)
}

// motley is a list with customers that have several rows, some far apart, with
// ones that are refused, and with rows that are invalid or have line breaks.
func motley(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("customerType,customerEmail,firstName,lastName,note\n")
	for i := 1; i <= rows; i++ {
		email, note := fmt.Sprintf("c%d@example.com", i), "plain"
		switch {
		case i%97 == 0:
			email = fmt.Sprintf("C%d@example.com", i/2)
		case i%501 == 0:
			email = fmt.Sprintf("r%d@refused.example", i%7)
		case i%389 == 0:
			email = ""
		case i%211 == 0:
			note = "\"two\nlines, and \"\"quotes\"\"\""
		}
		fmt.Fprintf(&b, "Individual,%s,First%d,Last,%s\n", email, i, note)
	}
	return b.Bytes()
}

// alone has a single machine take the list to a service of its own.
func (c *cluster) alone() *service {
	c.t.Helper()
	s := newService(c.t)
	p := startProcess(c.t, "run", append(slices.Clone(c.env), "BULKONBOARD_BASE_URL="+s.url), programs+"bulkonboard",
		"run", "--input", c.file("list.csv"), "--output", c.file("alone.csv"), "--rejects", c.file("alone-rejects.csv"), "--rate", "0")
	require.Equal(c.t, cli.ExitBadRows, p.end(3*time.Minute), "%s", p.said.bytes())
	return s
}

// requireAsAlone compares the results, but for when and how often was called.
func (c *cluster) requireAsAlone() {
	c.t.Helper()
	want, got := c.results("alone.csv"), c.results("out.csv")
	require.Len(c.t, got, len(want))
	require.Equal(c.t, want[0], got[0])
	skipped := []int{slices.Index(want[0], "processedAt"), slices.Index(want[0], "attempts")}
	require.NotContains(c.t, skipped, -1, want[0])
	for i := range want {
		for _, column := range skipped {
			want[i][column], got[i][column] = "", ""
		}
		require.Equal(c.t, want[i], got[i])
	}
	rejects, err := os.ReadFile(c.file("alone-rejects.csv"))
	require.NoError(c.t, err)
	came, err := os.ReadFile(c.file("rejects.csv"))
	require.NoError(c.t, err)
	require.Equal(c.t, string(rejects), string(came))
}
