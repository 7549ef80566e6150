//go:build cluster

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAScheduleRunsWhenItIsTriggeredAndWhenItIsDue(t *testing.T) {
	const rows, zone = 1000, "Pacific/Kiritimati" // far from any machine's
	c := newCluster(t, "")
	c.list(rows)
	here, err := time.LoadLocation(zone)
	require.NoError(t, err)
	c.exports(time.Now().In(here))
	c.workers(2)

	c.schedule("nightly", "0 0 1 1 *", zone)
	c.run(0, "schedule", "trigger", "nightly")
	c.comesRound("nightly", rows)

	soon := time.Now().In(here).Add(10 * time.Second).Truncate(time.Second)
	c.schedule("soon", fmt.Sprintf("%d %d %d * * * *", soon.Second(), soon.Minute(), soon.Hour()), zone)
	c.lists(func(said string) bool { return strings.Contains(said, "soon\tnext: "+soon.UTC().Format(time.RFC3339)) })
	made := c.comesRound("soon", rows)
	assert.Equal(t, soon.Format("soon-2006-01-02T1504"), made)
	c.requireWithin(rows) // all of them were called for by the other schedule, too

	c.run(0, "schedule", "delete", "soon")
	c.lists(func(said string) bool { return !strings.Contains(said, "soon") })
}

// lists waits until the list of schedules is as it should be: what it is read
// from follows after some moments.
func (c *cluster) lists(as func(string) bool) {
	c.t.Helper()
	until(c.t, "the list of schedules is as it should be", func() bool { return as(c.run(0, "schedule", "list")) })
}

// exports puts the list where the schedules look for it, today and tomorrow.
func (c *cluster) exports(today time.Time) {
	c.t.Helper()
	require.NoError(c.t, os.Mkdir(c.file("store/exports"), 0o700))
	list, err := os.ReadFile(c.file("list.csv"))
	require.NoError(c.t, err)
	for _, day := range []time.Time{today, today.AddDate(0, 0, 1)} {
		require.NoError(c.t, os.WriteFile(c.file(day.Format("store/exports/customers-2006-01-02.csv")), list, 0o600))
	}
}

func (c *cluster) schedule(name, cron, zone string) {
	c.t.Helper()
	c.run(0, "schedule", "create", name, "--cron", cron, "--time-zone", zone, "--store-input", "exports/customers-%Y-%m-%d.csv",
		"--quota", quota, "--rate", "1000", "--chunk-rows", "250", "--heartbeat", heartbeatTime.String(), "--timeout", "1.5s")
}

// comesRound waits for the job of a schedule, and for its results. It returns
// the job's name.
func (c *cluster) comesRound(name string, rows int) (made string) {
	c.t.Helper()
	until(c.t, name+" comes round", func() bool {
		found, err := filepath.Glob(c.file("store/jobs/" + name + "-*/round-1/results.csv"))
		require.NoError(c.t, err)
		if len(found) == 1 {
			made = filepath.Base(filepath.Dir(filepath.Dir(found[0])))
		}
		return made != ""
	})
	c.run(0, "resume", made, "--output", c.file("out.csv"), "--overwrite")
	c.requireEachItsOwn(rows)
	return made
}
