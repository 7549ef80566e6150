package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// sdkNumbers are what the SDK counts and measures, as Prometheus collects it:
// under the names that Temporal's documentation has, with _total behind counters
// and _seconds behind times. One name may come with several sets of labels, so
// none is described beforehand. It is safe for concurrent use.
type sdkNumbers struct {
	mu  sync.Mutex
	all map[string]prometheus.Collector // by name and labels
}

func newSDKNumbers() *sdkNumbers { return &sdkNumbers{all: map[string]prometheus.Collector{}} }

// Describe implements prometheus.Collector.
func (n *sdkNumbers) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (n *sdkNumbers) Collect(to chan<- prometheus.Metric) {
	n.mu.Lock()
	all := slices.Collect(maps.Values(n.all))
	n.mu.Unlock()
	for _, c := range all {
		c.Collect(to)
	}
}

// handler is what the SDK tells of them.
func (n *sdkNumbers) handler() client.MetricsHandler { return sdkHandler{n, nil} }

// sdkHandler implements client.MetricsHandler, for numbers with some labels.
type sdkHandler struct {
	numbers *sdkNumbers
	labels  prometheus.Labels
}

// WithTags implements client.MetricsHandler.
func (h sdkHandler) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(h.labels)
	if all == nil {
		all = prometheus.Labels{}
	}
	for name, value := range tags {
		all[strings.ReplaceAll(name, "-", "_")] = value
	}
	return sdkHandler{h.numbers, all}
}

// vector is the collector of all numbers of a name with labels of these names,
// made by the first of them.
func vector[V prometheus.Collector](h sdkHandler, name string, vec func(labels []string) V) V {
	labels := slices.Sorted(maps.Keys(h.labels))
	key := name + " " + strings.Join(labels, " ")
	h.numbers.mu.Lock()
	defer h.numbers.mu.Unlock()
	if found, ok := h.numbers.all[key].(V); ok {
		return found
	}
	made := vec(labels)
	h.numbers.all[key] = made
	return made
}

const sdkHelp = "Of Temporal's SDK; see its documentation."

// Counter implements client.MetricsHandler.
func (h sdkHandler) Counter(name string) client.MetricsCounter {
	name += "_total"
	return sdkCounter{vector(h, name, func(labels []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: sdkHelp}, labels)
	}).With(h.labels)}
}

// Gauge implements client.MetricsHandler.
func (h sdkHandler) Gauge(name string) client.MetricsGauge {
	return sdkGauge{vector(h, name, func(labels []string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: sdkHelp}, labels)
	}).With(h.labels)}
}

// sdkTimes are from a call on the same machine to a chunk of a large list.
var sdkTimes = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800}

// Timer implements client.MetricsHandler.
func (h sdkHandler) Timer(name string) client.MetricsTimer {
	name += "_seconds"
	return sdkTimer{vector(h, name, func(labels []string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: sdkHelp, Buckets: sdkTimes}, labels)
	}).With(h.labels)}
}

type (
	sdkCounter struct{ prometheus.Counter }
	sdkGauge   struct{ prometheus.Gauge }
	sdkTimer   struct{ prometheus.Observer }
)

// Inc implements client.MetricsCounter.
func (c sdkCounter) Inc(by int64) { c.Add(float64(by)) }

// Update implements client.MetricsGauge.
func (g sdkGauge) Update(value float64) { g.Set(value) }

// Record implements client.MetricsTimer.
func (t sdkTimer) Record(d time.Duration) { t.Observe(d.Seconds()) }
