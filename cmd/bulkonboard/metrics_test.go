package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/sandbox"
	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// caller answers every call the same.
type caller session.Reply

func (c caller) Call(context.Context, *source.Customer) session.Reply { return session.Reply(c) }

// fullMetrics are metrics with everything in them that there can be.
func fullMetrics() *metrics {
	m := new(measure.Monitor)
	m.Expect(1000, 0)
	x := newMetrics(m, prometheus.Labels{"run": "nightly"}, time.Now())
	for _, outcome := range session.Outcomes() {
		x.attempts.Count(caller{Outcome: outcome, Status: 200, Latency: time.Second}).Call(context.Background(), nil)
	}
	x.end(cli.ExitOK, time.Now())
	return x
}

// broken is a collector that fails in the middle of things.
type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}

func (broken) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.NewInvalidMetric(stateNow, errors.New("broken"))
}

func parse(t *testing.T, r io.Reader) map[string]*dto.MetricFamily {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(r)
	require.NoError(t, err)
	return families
}

func parseFile(t *testing.T, name string) map[string]*dto.MetricFamily {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	return parse(t, f)
}

func TestTheMetricsAreAsPrometheusWantsThem(t *testing.T) {
	x := fullMetrics()
	problems, err := testutil.GatherAndLint(x.registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
	series, err := testutil.GatherAndCount(x.registry)
	require.NoError(t, err)
	assert.Less(t, series, 50, "whatever the list and the service are like")
}

func TestThePageOfMetricsListsEveryMetricAndNoOther(t *testing.T) {
	families, err := fullMetrics().registry.Gather()
	require.NoError(t, err)
	var want, got []string
	for _, f := range families {
		want = append(want, f.GetName())
	}
	want = append(want, "bulkonboard_pace_attempts_per_second") // this run has none
	for _, m := range regexp.MustCompile("(?m)^\\| `(bulkonboard_[a-z_]+)").FindAllStringSubmatch(pageText("metrics"), -1) {
		got = append(got, m[1])
	}
	assert.ElementsMatch(t, want, got)
}

func TestAMetricsFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.prom")
	o := &metricsOut{metrics: fullMetrics(), file: file, log: slog.New(slog.DiscardHandler)}
	require.NoError(t, o.write())
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 50 {
			assert.NoError(t, o.write())
		}
		close(stop)
	}()
	for looked := false; !looked; {
		select {
		case <-stop:
			looked = true
		default:
		}
		assert.NotNil(t, parseFile(t, file)["bulkonboard_state"])
	}
	<-done

	before, err := os.ReadFile(file)
	require.NoError(t, err)
	o.registry.MustRegister(broken{})
	require.Error(t, o.write(), "half of it is not a file")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left lying about")
}

func TestAFullDiskLeavesTheMetricsAsTheyWere(t *testing.T) {
	p := newProgram(t, 5, sandbox.Options{})
	c, stderr := p.start("--rate", "0", "--metrics-file", p.file("run.prom"))
	require.Zero(t, p.end(c), stderr.String())
	before, err := os.ReadFile(p.file("run.prom"))
	require.NoError(t, err)
	require.Greater(t, len(before), 2048)

	executable, err := os.Executable()
	require.NoError(t, err)
	shell := exec.Command("sh", "-c", `ulimit -f 4; trap '' XFSZ; exec "$0" run -i list.csv -o again.csv --metrics-file run.prom`, executable)
	shell.Dir, shell.Env = p.folder, append(p.env, programVariable+"=1")
	out, _ := shell.CombinedOutput()
	assert.Equal(t, cli.ExitUsage, shell.ProcessState.ExitCode(), string(out))
	assert.Contains(t, string(out), "--metrics-file: ")
	after, err := os.ReadFile(p.file("run.prom"))
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	left, err := filepath.Glob(p.file("*"))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{p.file("list.csv"), p.file("out.csv"), p.file("out.csv.summary.json"), p.file("run.prom")}, left)
}

func TestTheLastSuccessOutlivesARunThatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.prom")
	f := metricsFlags{file: file}
	log := slog.New(slog.DiscardHandler)
	var last float64
	for _, c := range []struct {
		err     error
		success bool
	}{
		{batch.ErrInterrupted, false}, {nil, true}, {&cli.BadRowsError{Rows: 3}, true}, {batch.ErrInterrupted, false}, {cli.Problems{}, false},
	} {
		o, err := f.open(t.Context(), new(measure.Monitor), log)
		require.NoError(t, err)
		during := parseFile(t, file)
		assert.Nil(t, during["bulkonboard_run_exit_code"])
		o.end(cli.ExitCode(c.err), time.Now())
		o.close()
		families := parseFile(t, file)
		assert.InDelta(t, cli.ExitCode(c.err), families["bulkonboard_run_exit_code"].GetMetric()[0].GetGauge().GetValue(), 0)
		if c.success {
			last = families["bulkonboard_run_end_timestamp_seconds"].GetMetric()[0].GetGauge().GetValue()
		}
		if last == 0 {
			assert.Nil(t, families["bulkonboard_last_success_timestamp_seconds"])
			continue
		}
		assert.InDelta(t, last, families["bulkonboard_last_success_timestamp_seconds"].GetMetric()[0].GetGauge().GetValue(), 0)
	}
}

func TestMetricsThatCannotBeShownAreRefusedAtTheStartAndNotLater(t *testing.T) {
	folder := t.TempDir()
	other := filepath.Join(folder, "other.prom")
	require.NoError(t, os.WriteFile(other, []byte("precious 1\n"), 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, f := range map[string]metricsFlags{
		"no such folder":       {file: filepath.Join(folder, "nowhere", "run.prom")},
		"another's file":       {file: other},
		"a port that is taken": {listen: taken.Addr().String()},
		"no address":           {listen: "nowhere"},
	} {
		_, err := f.open(t.Context(), new(measure.Monitor), slog.New(slog.DiscardHandler))
		var usage cli.Problems
		assert.ErrorAs(t, err, &usage, name)
	}
	b, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "precious 1\n", string(b))

	var p cli.Problems
	(&metricsFlags{file: "run.txt", labels: []string{"status=x"}}).check(&p)
	(&metricsFlags{file: "run.prom"}).check(&p)
	assert.Len(t, p, 2)

	gone := filepath.Join(folder, "gone")
	require.NoError(t, os.Mkdir(gone, 0o700))
	var said strings.Builder
	o, err := (&metricsFlags{file: filepath.Join(gone, "run.prom")}).open(t.Context(), new(measure.Monitor), slog.New(slog.NewTextHandler(&said, nil)))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(gone))
	o.end(cli.ExitCode(nil), time.Now())
	o.close()
	assert.Contains(t, said.String(), "level=WARN msg=\"the metrics file cannot be written; the run continues\"")
}

func TestALabelIsANameAndAValue(t *testing.T) {
	got, err := parseLabels([]string{"run=nightly", "team=a=b"})
	require.NoError(t, err)
	assert.Equal(t, prometheus.Labels{"run": "nightly", "team": "a=b"}, got)
	for _, wrong := range []string{"", "run", "run=", "=x", "1=x", "a-b=x", "__name__=x", "status=x", "le=1", "run=\xff"} {
		_, err := parseLabels([]string{wrong})
		assert.Error(t, err, wrong)
	}
	_, err = parseLabels([]string{"run=a", "run=b"})
	assert.Error(t, err)
}

func TestARunningJobIsScrapedAndTellsNothingOfItsCustomers(t *testing.T) {
	t.Parallel() // it mostly waits
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	p := newProgram(t, 60, sandbox.Options{Latency: 100 * time.Millisecond})
	c, stderr := p.start("--rate", "20", "--metrics-listen", address, "--metrics-file", p.file("run.prom"), "--metrics-label", "run=nightly")
	get := func(path string) (string, error) {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK {
			err = errors.Join(err, errors.New(answer.Status))
		}
		return string(b), err
	}
	text := ""
	p.until("rows", func() bool {
		text, err = get("/metrics")
		return err == nil && strings.Contains(text, `bulkonboard_state{run="nightly",state="running"} 1`) && p.service.Stats().OK > 5
	})
	families := parse(t, strings.NewReader(text))
	assert.InDelta(t, 60, families["bulkonboard_list_rows"].GetMetric()[0].GetGauge().GetValue(), 0)
	assert.InDelta(t, 20, families["bulkonboard_pace_attempts_per_second"].GetMetric()[0].GetGauge().GetValue(), 0)
	assert.Contains(t, families, "go_goroutines")
	ok, err := get("/healthz")
	require.NoError(t, err)
	assert.Equal(t, "ok\n", ok)
	_, err = get("/debug/pprof/")
	require.Error(t, err)
	require.Zero(t, p.end(c), stderr.String())
	_, err = get("/healthz")
	require.Error(t, err)

	families = parseFile(t, p.file("run.prom"))
	assert.NotContains(t, families, "go_goroutines", "node_exporter has its own")
	assert.InDelta(t, 60, sum(families["bulkonboard_rows_total"]), 0)
	assert.InDelta(t, p.service.Stats().Calls, sum(families["bulkonboard_attempts_total"]), 0)
	assert.EqualValues(t, 60, families["bulkonboard_attempt_duration_seconds"].GetMetric()[0].GetHistogram().GetSampleCount())
	info, err := os.Stat(p.file("run.prom"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "node_exporter is another user")
	b, err := os.ReadFile(p.file("run.prom"))
	require.NoError(t, err)
	for _, secret := range []string{canarySecret, "example.com", "First", p.folder} {
		assert.NotContains(t, string(b)+text, secret)
	}
	var labels []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName())
			}
		}
	}
	slices.Sort(labels)
	assert.Equal(t, []string{"age", "goversion", "outcome", "run", "state", "status", "version"}, slices.Compact(labels))
}

func sum(f *dto.MetricFamily) (total float64) {
	for _, m := range f.GetMetric() {
		total += m.GetCounter().GetValue()
	}
	return total
}
