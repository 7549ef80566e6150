//go:build cluster

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
)

// ends waits for a job's results.
func (c *cluster) ends(submitted *process, rows int) {
	c.t.Helper()
	require.Zero(c.t, submitted.end(3*time.Minute), "%s", submitted.said.bytes())
	c.requireEachItsOwn(rows)
}

func TestAWorkerThatIsKilledHasOnlyWhatWasOnItsWayCalledAgain(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	all := c.workers(3)
	submitted := c.start(c.submitArgs()...)
	c.service.after(t, middle)
	victim, parts := c.busiest(all)
	victim.kill()
	c.ends(submitted, crashRows)
	c.requireWithin(onTheWay(parts))
}

func TestNewPartsBeginSoonAfterTheDeathOfTheWorkerThatHadTheWorkflow(t *testing.T) {
	const rows = 12_000
	c := newCluster(t, "")
	c.list(rows)
	all := c.workers(3, "--slots", "2") // so that none is at all parts
	submitted := c.start(c.submitArgs("--chunk-rows", "500")...)
	c.service.after(t, rows/3)
	holder := c.workflowAt()
	for _, w := range all {
		if identityOf(t, w) == holder {
			w.kill()
		}
	}
	c.ends(submitted, rows)
	c.requireWithin(onTheWay(parallel))
	t.Logf("%s without a call at the longest", c.service.longestGap().Round(time.Millisecond))
	assert.Less(t, c.service.longestGap(), 3*time.Second)
}

// workflowAt is the worker that has the workflow in memory: it ran it last.
func (c *cluster) workflowAt() (worker string) {
	c.t.Helper()
	events := c.server.client.GetWorkflowHistory(c.t.Context(), workflowOf(quota), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(c.t, err)
		if started := e.GetWorkflowTaskStartedEventAttributes(); started != nil {
			worker = started.GetIdentity()
		}
	}
	require.NotEmpty(c.t, worker)
	return worker
}

func TestAWorkerThatIsFrozenAndWakesHasOnlyWhatWasOnItsWayCalledAgain(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	all := c.workers(3)
	submitted := c.start(c.submitArgs()...)
	c.service.after(t, middle)
	victim, parts := c.busiest(all)
	victim.signal(syscall.SIGSTOP)
	c.takenFrom(victim)
	victim.signal(syscall.SIGCONT)
	c.ends(submitted, crashRows)
	c.requireWithin(onTheWay(parts))
}

func TestAWorkerCutOffFromTemporalHasNoCustomerCalledAgain(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	lines := map[*process]*line{}
	all := []*process{}
	for range 3 {
		l := newLine(t, c.server.address)
		w := c.workers(1, "--address", l.address())[0]
		lines[w], all = l, append(all, w)
	}
	submitted := c.start(c.submitArgs()...)
	c.service.after(t, middle)
	victim, _ := c.busiest(all)
	lines[victim].cut(true)
	c.takenFrom(victim)
	c.service.after(t, crashRows*3/4)
	lines[victim].cut(false)
	c.ends(submitted, crashRows)
	c.requireWithin(0)
}

func TestATemporalServerThatDiesHasNoCustomerCalledAgain(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	c.workers(3)
	submitted := c.start(c.submitArgs()...)
	c.service.after(t, middle)
	c.server.process.kill()
	<-time.After(15 * time.Second)
	c.server.start()
	c.server.ready()
	c.ends(submitted, crashRows)
	c.requireWithin(0)
}

func TestAnS3ServerThatDiesHasNoCustomerCalledAgain(t *testing.T) {
	g := newGateway(t)
	c := newCluster(t, g.store())
	c.list(crashRows)
	c.workers(3)
	submitted := c.start(c.submitArgs()...)
	c.service.after(t, middle)
	g.process.kill()
	<-time.After(10 * time.Second)
	g.start()
	c.ends(submitted, crashRows)
	c.requireWithin(0)
}
