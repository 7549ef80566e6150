package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
)

func TestPartsAreCountedByHowTheyEnd(t *testing.T) {
	s, m := newSite(t), newWorkerMetrics(4)
	s.activities.service = m.counting(s.activities.service)
	s.submit("night", listOf(3))
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quietLogger{})
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&partCounter{metrics: m}}})
	s.activities.register(env)
	do := func(name string) error {
		_, err := env.ExecuteActivity(name, part{Job: "night", Round: 1})
		return err
	}
	require.NoError(t, do(planName))
	require.NoError(t, do(runChunkName))
	s.activities.service = m.counting(func(*chunks.Job) (batch.Caller, func(), error) {
		return nil, nil, &misfitError{"test", "another secret"}
	})
	require.Error(t, do(runChunkName))
	assert.NoError(t, testutil.GatherAndCompare(m.registry, strings.NewReader(`
# HELP bulkonboard_worker_parts_total Parts of jobs that this worker has ended, by how: done, or the kind of the error.
# TYPE bulkonboard_worker_parts_total counter
bulkonboard_worker_parts_total{part="merge",result="done"} 0
bulkonboard_worker_parts_total{part="plan",result="done"} 1
bulkonboard_worker_parts_total{part="prepare",result="done"} 0
bulkonboard_worker_parts_total{part="run-chunk",result="done"} 1
bulkonboard_worker_parts_total{part="run-chunk",result="misfit"} 1
bulkonboard_worker_parts_total{part="run-rest",result="done"} 0
`), "bulkonboard_worker_parts_total"))
	assert.InDelta(t, 0, testutil.ToFloat64(m.underWay.WithLabelValues(runChunkName)), 0)
	attempts, err := testutil.GatherAndCount(m.registry, "bulkonboard_attempts_total")
	require.NoError(t, err)
	assert.Positive(t, attempts)
}

func TestWhatTheSDKCountsIsCollectedUnderItsDocumentedNames(t *testing.T) {
	n := newSDKNumbers()
	registry := prometheus.NewRegistry()
	registry.MustRegister(n)
	h := n.handler().WithTags(map[string]string{"namespace": "default"})
	h.Counter("temporal_request").Inc(1)
	h.Counter("temporal_request").Inc(1)
	h.WithTags(map[string]string{"worker-type": "ActivityWorker"}).Counter("temporal_request").Inc(5)
	h.Gauge("temporal_num_pollers").Update(2)
	h.Timer("temporal_request_latency").Record(20 * time.Millisecond)
	assert.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP temporal_num_pollers Of Temporal's SDK; see its documentation.
# TYPE temporal_num_pollers gauge
temporal_num_pollers{namespace="default"} 2
# HELP temporal_request_total Of Temporal's SDK; see its documentation.
# TYPE temporal_request_total counter
temporal_request_total{namespace="default"} 2
temporal_request_total{namespace="default",worker_type="ActivityWorker"} 5
`), "temporal_num_pollers", "temporal_request_total"))
	times, err := testutil.GatherAndCount(registry, "temporal_request_latency_seconds")
	require.NoError(t, err)
	assert.Equal(t, 1, times)
}

// oracle is a server that answers one question, or none.
type oracle struct {
	registry
	silent error
}

func (o *oracle) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{}, o.silent
}

func TestAWorkerIsReadyWhileItTakesPartsAndItsServerAnswers(t *testing.T) {
	m, server := newWorkerMetrics(4), &oracle{}
	address := unusedAddress(t)
	closeIt, err := (&healthFlags{address}).open(t.Context(), m, readiness{server, defaultTaskQueue}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer closeIt()
	for _, step := range []struct {
		working bool
		sick    bool
		silent  error
		code    int
		says    string
	}{
		{false, false, nil, http.StatusServiceUnavailable, "takes no parts"},
		{true, false, nil, http.StatusOK, "ok"},
		{true, true, nil, http.StatusServiceUnavailable, "the service does not answer it"},
		{true, false, serviceerror.NewUnavailable("CANARY"), http.StatusServiceUnavailable, "the Temporal server does not answer"},
		{false, false, nil, http.StatusServiceUnavailable, "takes no parts"},
	} {
		m.working.Store(step.working)
		m.sick.Store(step.sick)
		server.silent = step.silent
		code, text := ask(t, "http://"+address+"/readyz")
		assert.Equal(t, step.code, code)
		assert.Contains(t, text, step.says)
		assert.NotContains(t, text, "CANARY")
		code, text = ask(t, "http://"+address+"/healthz")
		assert.Equal(t, http.StatusOK, code, "it lives all the same")
		assert.Equal(t, "ok\n", text)
	}
	code, text := ask(t, "http://"+address+"/metrics")
	assert.Equal(t, http.StatusOK, code)
	for _, name := range []string{"bulkonboard_worker_slots 4", "bulkonboard_build_info{", "bulkonboard_store_retries_total 0", "go_goroutines "} {
		assert.Contains(t, text, name)
	}

	_, err = (&healthFlags{address}).open(t.Context(), m, readiness{server, defaultTaskQueue}, slog.New(slog.DiscardHandler))
	var taken cli.Problems
	require.ErrorAs(t, err, &taken)
	assert.ErrorContains(t, err, "--metrics-listen")
}

// unusedAddress is one of this machine that nothing listens at.
func unusedAddress(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	return ln.Addr().String()
}

func ask(t *testing.T, url string) (code int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	return got.StatusCode, string(b)
}

func TestTheReadmeListsEveryMetricOfAWorkerAndNoOther(t *testing.T) {
	m := newWorkerMetrics(4)
	families, err := m.registry.Gather()
	require.NoError(t, err)
	var want, got []string
	for _, f := range families {
		want = append(want, f.GetName())
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile("(?m)^\\| `(bulkonboard_[a-z_]+)").FindAllStringSubmatch(string(readme), -1) {
		got = append(got, found[1])
	}
	assert.ElementsMatch(t, want, got)
}
