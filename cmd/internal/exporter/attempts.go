// Package exporter shows numbers of a program to Prometheus: what both programs
// count, and the server that answers its questions.
package exporter

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"bulkonboard/batch"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

// Attempts count the calls of the service. They are safe for concurrent use.
type Attempts struct {
	by   []prometheus.Counter // by outcome
	took prometheus.Histogram
}

// NewAttempts makes counters that r shows. By says who sends what they count,
// such as "this start of the run".
func NewAttempts(r prometheus.Registerer, by string) *Attempts {
	outcomes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bulkonboard_attempts_total", Help: "Attempts that were sent by " + by + " and came back, by what came of them.",
	}, []string{"outcome"})
	a := &Attempts{took: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "bulkonboard_attempt_duration_seconds", Help: "Time until an attempt was answered.",
		Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
	})}
	for _, o := range session.Outcomes() {
		a.by = append(a.by, outcomes.WithLabelValues(o.String()))
	}
	r.MustRegister(outcomes, a.took)
	return a
}

// Count returns a caller whose attempts are counted.
func (a *Attempts) Count(c batch.Caller) batch.Caller { return counted{c, a} }

// counted counts the attempts of a caller.
type counted struct {
	batch.Caller
	attempts *Attempts
}

// Call implements batch.Caller.
func (c counted) Call(ctx context.Context, r *source.Customer) session.Reply {
	a := c.Caller.Call(ctx, r)
	c.attempts.by[a.Outcome].Inc()
	if a.Status > 0 {
		c.attempts.took.Observe(a.Latency.Seconds())
	}
	return a
}
