package main

import (
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/exporter"
	"bulkonboard/sink"
)

// metrics are the numbers of a run for Prometheus. Each has one reason to be
// there, and labels whose values are known beforehand: none is of a customer,
// and their number does not grow with the list. It is safe for concurrent use.
type metrics struct {
	registry *prometheus.Registry
	monitor  *measure.Monitor
	started  time.Time
	attempts *exporter.Attempts

	mu          sync.Mutex // covers what follows
	lastSuccess time.Time  // zero: none that is known of
	ended       time.Time  // zero: not yet
	code        int        // the exit code, once ended
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("bulkonboard_"+name, help, labels, nil)
}

// The metrics that are read off the run when they are asked for.
var (
	buildInfo   = describe("build_info", "The program; always 1.", "version", "goversion")
	listRows    = describe("list_rows", "Rows of the list, once it was read ahead.")
	rowsTotal   = describe("rows_total", "Rows of the list that were written, by the status they ended with; earlier starts of the run count.", "status")
	problemRows = describe("problem_rows", "Rows that were written and need attention (invalid, rejected or failed): new ones, and those that are open since an earlier run has reported the same.", "age")
	inFlight    = describe("in_flight_attempts", "Attempts under way.")
	paceNow     = describe("pace_attempts_per_second", "Attempts per second that are aimed at; absent when nothing limits them.")
	heldTotal   = describe("held_seconds_total", "Time in which only single test calls were sent, after a 429.")
	outageTotal = describe("outage_seconds_total", "Time in which only single test calls were sent, because the service was unavailable.")
	outages     = describe("outages_total", "Times that the service was unavailable.")
	stateNow    = describe("state", "What the run is about: 1 for the state that it is in.", "state")
	runStarted  = describe("run_start_timestamp_seconds", "When this start of the run began.")
	runEnded    = describe("run_end_timestamp_seconds", "When it ended; absent before.")
	runCode     = describe("run_exit_code", "The exit code with which it ended; absent before.")
	lastSuccess = describe("last_success_timestamp_seconds", "When a run was last complete (exit code 0 or 1); absent when that is not known.")
)

// newMetrics returns the metrics of a run that starts now, with labels of the
// user's on each.
func newMetrics(m *measure.Monitor, labels prometheus.Labels, now time.Time) *metrics {
	registry := prometheus.NewRegistry()
	r := prometheus.WrapRegistererWith(labels, registry)
	x := &metrics{registry: registry, monitor: m, started: now, attempts: exporter.NewAttempts(r, "this start of the run")}
	r.MustRegister(x)
	return x
}

// Describe implements prometheus.Collector.
func (x *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, listRows, rowsTotal, problemRows, inFlight, paceNow, heldTotal, outageTotal, outages, stateNow, runStarted, runEnded, runCode, lastSuccess,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (x *metrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
	}
	p := x.monitor.Progress()
	gauge(buildInfo, 1, cli.ModuleVersion(), runtime.Version())
	if p.OfRows > 0 {
		gauge(listRows, float64(p.OfRows))
	}
	for _, status := range sink.Statuses() {
		counter(rowsTotal, float64(p.Status[status]), string(status))
	}
	gauge(problemRows, float64(sink.Bad(p.Status)-p.Open), "new")
	gauge(problemRows, float64(p.Open), "open")
	gauge(inFlight, float64(p.InFlight))
	if p.Pace.Rate > 0 {
		gauge(paceNow, p.Pace.Rate)
	}
	counter(heldTotal, p.Pace.Held.Seconds())
	counter(outageTotal, p.Pace.Outage.Seconds())
	counter(outages, float64(p.Pace.Outages))
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended.IsZero() {
		p.State = measure.Ended
	}
	for _, state := range measure.States() {
		gauge(stateNow, map[bool]float64{true: 1}[p.State == state], string(state))
	}
	gauge(runStarted, seconds(x.started))
	if !x.ended.IsZero() {
		gauge(runEnded, seconds(x.ended))
		gauge(runCode, float64(x.code))
	}
	if !x.lastSuccess.IsZero() {
		gauge(lastSuccess, seconds(x.lastSuccess))
	}
}

// seconds is a moment as Prometheus has it, to the millisecond.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

// moment is the same the other way round.
func moment(seconds float64) time.Time { return time.UnixMilli(int64(math.Round(seconds * 1e3))) }

// end takes in how the run ended.
func (x *metrics) end(code int, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended, x.code = now, code
	if code == cli.ExitOK || code == cli.ExitBadRows {
		x.lastSuccess = now
	}
}

// ownLabels are those that metrics have already.
var ownLabels = []string{"version", "goversion", "status", "state", "outcome", "age", "le", "instance", "job"}

var labelName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)

// parseLabels reads labels such as "run=nightly".
func parseLabels(texts []string) (prometheus.Labels, error) {
	labels := prometheus.Labels{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		switch _, twice := labels[name]; {
		case !ok || value == "" || !labelName.MatchString(name) || !utf8.ValidString(value):
			return nil, fmt.Errorf("--metrics-label is %q; it takes a name and a value such as run=nightly", text)
		case slices.Contains(ownLabels, name) || twice:
			return nil, fmt.Errorf("--metrics-label %s: that label is there already; take another name", name)
		}
		labels[name] = value
	}
	return labels, nil
}
