//go:build cluster

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

func TestAJobThatIsCancelledGoesOnWhenItIsSubmittedAgain(t *testing.T) {
	const rows = 8000
	c := newCluster(t, "")
	c.list(rows)
	c.workers(2)
	submitted := c.start(c.submitArgs("--chunk-rows", "1000")...)
	c.service.after(t, rows/2)
	c.run(0, "cancel", job)
	require.Equal(t, cli.ExitInterrupted, submitted.end(time.Minute), "%s", submitted.said.bytes())
	calls := c.service.Stats().Calls
	assert.Less(t, calls, int64(rows))
	assert.Empty(t, c.holders())

	c.ends(c.start(c.submitArgs("--chunk-rows", "1000")...), rows)
	c.requireWithin(0)
}

func TestAWorkerThatIsToldToStopHandsOnItsPartsAtOnce(t *testing.T) {
	const rows = 8000
	c := newCluster(t, "")
	c.list(rows)
	all := c.workers(3)
	submitted := c.start(c.submitArgs("--chunk-rows", "1000")...)
	c.service.after(t, rows/3)
	leaver, _ := c.busiest(all)
	leaver.signal(syscall.SIGTERM)
	require.Zero(t, leaver.end(heartbeatTime), "%s", leaver.said.bytes())
	c.ends(submitted, rows)
	c.requireWithin(0)
}

func TestOnlyRowsThatFailedAreRunAgain(t *testing.T) {
	const rows, each = 4000, 100
	c := newCluster(t, "")
	var list bytes.Buffer
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	emails := make([]string, rows)
	for i := range emails {
		emails[i] = fmt.Sprintf("c%d@example.com", i)
		if i%each == 0 {
			emails[i] = fmt.Sprintf("c%d%s", i, illDomain)
		}
		fmt.Fprintf(&list, "Individual,%s,First%d,Last\n", emails[i], i)
	}
	require.NoError(t, os.WriteFile(c.file("list.csv"), list.Bytes(), 0o600))
	c.workers(2)
	c.service.ill.Store(true)
	c.run(cli.ExitBadRows, c.submitArgs("--chunk-rows", "500", "--max-attempts", "2", "--max-backoff", "100ms")...)
	failed := slices.DeleteFunc(c.results("out.csv")[1:], func(r []string) bool { return r[4] != "failed" })
	require.Len(t, failed, rows/each)

	c.service.ill.Store(false)
	before := c.service.Stats().Calls
	said := c.run(0, "retry", job, "--output", c.file("again.csv"))
	assert.Equal(t, int64(rows/each), c.service.Stats().Calls-before, said)
	for i, r := range c.results("again.csv")[1:] {
		require.Equal(t, []string{emails[i], "ok", sandbox.SessionID("form", emails[i])}, []string{r[1], r[4], r[5]})
	}
	c.requireWithin(0)
}
