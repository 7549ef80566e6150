//go:build cluster

package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
)

func TestAClusterIsSeenFromOutside(t *testing.T) {
	const rows = 13_000 // of more than sayEvery
	c := newCluster(t, "")
	c.list(rows)
	addresses := []string{freeAddress(t), freeAddress(t)}
	for _, address := range addresses {
		c.workers(1, "--metrics-listen", address)
		assertAnswers(t, http.StatusOK, "ok", "http://"+address+"/readyz")
	}
	submitted := c.start(c.submitArgs("--chunk-rows", "2500")...)
	c.ends(submitted, rows)
	said := string(submitted.said.bytes())
	assert.Regexp(t, `forecast: 13000 rows in \S+list.csv\n  calls +13000, at 1000/s about 13 s\n`, said)
	assert.Regexp(t, `customers: calling, \d of 6 chunks, \d+ of 13000 rows, \d parts under way`, said)
	var ok, parts int
	for _, address := range addresses {
		_, text := ask(t, "http://"+address+"/metrics")
		for _, name := range []string{
			`bulkonboard_worker_parts_total{part="run-chunk",result="done"}`, "bulkonboard_attempt_duration_seconds_count", "bulkonboard_worker_slots 4",
			"temporal_request_total{", "temporal_activity_execution_latency_seconds_bucket{", "temporal_worker_task_slots_available{", "process_resident_memory_bytes",
		} {
			assert.Contains(t, text, name)
		}
		ok += valueOf(t, text, `bulkonboard_attempts_total{outcome="ok"}`)
		parts += valueOf(t, text, `bulkonboard_worker_parts_total{part="run-chunk",result="done"}`)
	}
	assert.Equal(t, []int{rows, 6}, []int{ok, parts})
	assert.Contains(t, c.summaries(), "chunk 3 of 6, about 2167 rows, 250 calls/s")

	c.server.process.kill()
	assertAnswers(t, http.StatusServiceUnavailable, "the Temporal server does not answer", "http://"+addresses[0]+"/readyz")
	assertAnswers(t, http.StatusOK, "ok", "http://"+addresses[0]+"/healthz")
	c.server.start()
	until(t, "the worker is ready again", func() bool {
		code, _ := ask(t, "http://"+addresses[0]+"/readyz")
		return code == http.StatusOK
	})
}

func assertAnswers(t *testing.T, want int, says, url string) {
	t.Helper()
	code, text := ask(t, url)
	assert.Equal(t, want, code, url)
	assert.Contains(t, text, says, url)
}

// valueOf is the value of a series in a page of metrics.
func valueOf(t *testing.T, page, series string) (n int) {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n"+series+" ")
	require.True(t, found, series)
	for _, digit := range rest {
		if digit < '0' || digit > '9' {
			break
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

// summaries are the lines that parts of the job have in Temporal.
func (c *cluster) summaries() (all []string) {
	c.t.Helper()
	events := c.server.client.GetWorkflowHistory(c.t.Context(), jobWorkflowOf(workflowOf(quota), job), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(c.t, err)
		var text string
		if p := e.GetUserMetadata().GetSummary(); p != nil {
			require.NoError(c.t, converter.GetDefaultDataConverter().FromPayload(p, &text))
			all = append(all, text)
		}
	}
	return all
}

// TestTheProgramsOfTheComposeFileDoAJob runs them as this machine's processes,
// with its development server in place of Temporal with PostgreSQL.
func TestTheProgramsOfTheComposeFileDoAJob(t *testing.T) {
	g := newGateway(t)
	c := newCluster(t, g.store())
	recipe := compose(t)
	gatewayArgs, _ := strings.CutPrefix(recipe.Services["s3"].Entrypoint[2], "mkdir -p /store/lists && exec /app/versitygw ")
	require.Equal(t, "--port :7070 posix /store", gatewayArgs, "as newGateway starts it")
	service := freeAddress(t)
	places := strings.NewReplacer("temporal:7233", c.server.address, "http://s3:7070", "http://"+g.address, "127.0.0.1:8080", service, "127.0.0.1:9464", freeAddress(t), "127.0.0.1:9465", freeAddress(t),
		"/list/", "../../testdata/")
	up := func(name, program string, more ...string) *process {
		s := recipe.Services[name]
		env := []string{}
		for variable, value := range s.Environment {
			env = append(env, variable+"="+places.Replace(value))
		}
		env = append(env, "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey)
		return startProcess(t, name, env, programs+program, append(here(s.Command, places), more...)...)
	}
	up("sandbox", "bulkonboard").saying("sandbox on")
	first := up("worker-1", "bulkonboard-temporal")
	first.saying("is ready")
	up("worker-2", "bulkonboard-temporal").saying("is ready")
	// Ten times as fast as those who look on want it.
	submitted := up("submit", "bulkonboard-temporal", "--rate", "60", "--heartbeat", "3s", "--timeout", "0.9s")
	submitted.saying("forecast: 300 rows")
	first.kill()
	assert.Equal(t, 1, submitted.end(3*time.Minute), "%s", submitted.said.bytes())
	assert.Contains(t, string(submitted.said.bytes()), "the job try is done: 300 rows")
	found, err := filepath.Glob(filepath.Join(g.folder, "lists/onboarding/jobs/try/round-1/results.csv"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	results, err := os.ReadFile(found[0])
	require.NoError(t, err)
	assert.Contains(t, string(results), "john.smith2@example.com")
}

// current has a version of the workers' deployment get the work.
func (c *cluster) current(build string) {
	c.t.Helper()
	until(c.t, "version "+build+" is current", func() bool {
		p := startProcess(c.t, "temporal worker", []string{"HOME=" + c.folder}, tool(c.t, "temporal"), "worker", "deployment", "set-current-version", "--yes",
			"--deployment-name", "bulkonboard", "--build-id", build, "--address", c.server.address)
		return p.end(time.Minute) == 0
	})
}

func TestAJobGoesOnWithTheVersionThatARollingUpgradeBrings(t *testing.T) {
	c := newCluster(t, "")
	c.list(crashRows)
	old := c.workers(2, "--deployment", "bulkonboard", "--build-id", "1")
	c.current("1")
	submitted := c.start(c.submitArgs("--chunk-rows", "1000")...)
	c.service.after(t, middle)
	c.workers(2, "--deployment", "bulkonboard", "--build-id", "2")
	assert.Subset(t, identitiesOf(t, old), keys(c.holders()), "a version that is not current gets nothing")
	c.current("2")
	for _, w := range old {
		w.signal(syscall.SIGTERM)
		assert.Zero(t, w.end(time.Minute))
	}
	c.ends(submitted, crashRows)
	c.requireWithin(0)
}

func identitiesOf(t *testing.T, workers []*process) (all []string) {
	for _, w := range workers {
		all = append(all, identityOf(t, w))
	}
	return all
}

func keys(m map[string]int64) []string { return slices.Collect(maps.Keys(m)) }
