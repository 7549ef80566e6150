package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/exporter"
)

// workerMetrics are the numbers of a worker for Prometheus, beside those of the
// SDK. Their labels have values that are known beforehand. They are safe for
// concurrent use.
type workerMetrics struct {
	registry *prometheus.Registry
	sdk      *sdkNumbers
	attempts *exporter.Attempts
	underWay *prometheus.GaugeVec
	ended    *prometheus.CounterVec
	stored   prometheus.Counter
	working  atomic.Bool // it takes parts
	sick     atomic.Bool // and no others than to find out whether it is answered again
}

func newWorkerMetrics(slots int) *workerMetrics {
	m := &workerMetrics{
		registry: prometheus.NewRegistry(), sdk: newSDKNumbers(),
		underWay: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "bulkonboard_worker_parts", Help: "Parts of jobs under way.",
		}, []string{"part"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bulkonboard_worker_parts_total", Help: "Parts of jobs that this worker has ended, by how: done, or the kind of the error.",
		}, []string{"part", "result"}),
		stored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bulkonboard_store_retries_total", Help: "Requests to the store that failed and were made again.",
		}),
	}
	sick := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "bulkonboard_worker_sick", Help: "1 while the service does not answer this worker, and others are answered: it takes no parts.",
	}, func() float64 {
		if m.sick.Load() {
			return 1
		}
		return 0
	})
	m.attempts = exporter.NewAttempts(m.registry, "this worker")
	m.registry.MustRegister(sick, m.sdk, m.underWay, m.ended, m.stored,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "bulkonboard_worker_slots", Help: "Parts that may be under way at once."}, func() float64 { return float64(slots) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bulkonboard_build_info", Help: "The program; always 1.",
			ConstLabels: prometheus.Labels{"version": cli.ModuleVersion(), "goversion": runtime.Version()},
		}, func() float64 { return 1 }))
	for _, part := range []string{planName, runChunkName, runRestName, mergeName, prepareName} {
		m.underWay.WithLabelValues(part)
		m.ended.WithLabelValues(part, partDone)
	}
	return m
}

// partDone is the result of a part that ended without an error.
const partDone = "done"

// counting has the attempts of clients counted.
func (m *workerMetrics) counting(service serviceFor) serviceFor {
	return func(j *chunks.Job) (batch.Caller, func(), error) {
		caller, idle, err := service(j)
		if err != nil {
			return nil, nil, err
		}
		return m.attempts.Count(caller), idle, nil
	}
}

// serviceFor makes a client for a job, and what releases its connections.
type serviceFor = func(*chunks.Job) (caller batch.Caller, idle func(), err error)

// partCounter counts parts where the SDK hands them to this program.
type partCounter struct {
	interceptor.WorkerInterceptorBase
	metrics *workerMetrics
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (c *partCounter) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &countedPart{metrics: c.metrics}
	i.Next = next
	return i
}

type countedPart struct {
	interceptor.ActivityInboundInterceptorBase
	metrics *workerMetrics
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (c *countedPart) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	part := activity.GetInfo(ctx).ActivityType.Name
	c.metrics.underWay.WithLabelValues(part).Inc()
	defer c.metrics.underWay.WithLabelValues(part).Dec()
	out, err := c.Next.ExecuteActivity(ctx, in)
	result := partDone
	if err != nil {
		var failed *temporal.ApplicationError
		result = cli.Passing.Name
		if errors.As(err, &failed) {
			result = kindNamed(failed.Type()).Name
		}
	}
	c.metrics.ended.WithLabelValues(part, result).Inc()
	return out, err
}

// healthFlags say where a worker is asked how it is.
type healthFlags struct{ listen string }

func (h *healthFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&h.listen, "metrics-listen", "", "answer /metrics for Prometheus, /healthz and /readyz at this `ADDRESS`, such as 127.0.0.1:9464")
}

// readiness asks whether a worker can do its work.
type readiness struct {
	server    client.Client
	taskQueue string
}

var (
	errNotWorking = errors.New("the worker takes no parts: it is starting or stopping")
	errUnanswered = errors.New("the worker takes no parts: the service does not answer it, and others are answered")
	errNoServer   = errors.New("the Temporal server does not answer")
)

// open begins to answer; it does nothing without an address.
func (h *healthFlags) open(ctx context.Context, m *workerMetrics, r readiness, log *slog.Logger) (closeIt func(), err error) {
	if h.listen == "" {
		return func() {}, nil
	}
	s, err := exporter.Serve(ctx, h.listen, m.registry, func(ctx context.Context) error { return m.ready(ctx, r) }, log)
	if err != nil {
		return nil, cli.ListenProblem("--metrics-listen", h.listen, err)
	}
	return s.Close, nil
}

// ready says why the worker cannot do its work now; nil when it can. The server
// is asked what every worker may ask.
func (m *workerMetrics) ready(ctx context.Context, r readiness) error {
	if !m.working.Load() {
		return errNotWorking
	}
	if m.sick.Load() {
		return errUnanswered
	}
	if _, err := r.server.DescribeTaskQueue(ctx, r.taskQueue, enums.TASK_QUEUE_TYPE_ACTIVITY); err != nil {
		return errNoServer
	}
	return nil
}
