package measure

import (
	"sync"
	"time"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

// Measures are what is measured of a run over all its starts. They are kept in
// the checkpoint.
type Measures struct {
	StartedAt time.Time     `json:"startedAt"` // the first start
	Running   time.Duration `json:"running"`   // without the time between two starts

	Throttled int64         `json:"throttled"` // answers 429
	Held      time.Duration `json:"held"`      // nothing sent after a 429
	Outage    time.Duration `json:"outage"`    // nothing but canaries sent
	Outages   int64         `json:"outages"`

	Latency  latencies `json:"latency"`
	Timeline timeline  `json:"timeline"`
}

// Meter measures a run under way. It is safe for concurrent use: the writer
// counts rows, the dispatcher answers.
type Meter struct {
	mu      sync.Mutex
	m       Measures
	started time.Time     // this start
	before  time.Duration // running time of the earlier ones
	seen    pace.Snapshot
	given   bool // it was all measured elsewhere
}

// NewMeter resumes what earlier starts have measured.
func NewMeter(before Measures, now time.Time) *Meter {
	t := &Meter{m: before, started: now, before: before.Running}
	if before.StartedAt.IsZero() {
		t.m.StartedAt = now
	}
	t.m.Timeline.start(t.before, now)
	return t
}

// GivenMeter resumes what an earlier start has put on the timeline, or
// begins with what was measured elsewhere. It is used by the writer alone.
func GivenMeter(before, given Measures) *Meter {
	if before.StartedAt.IsZero() {
		before = given
	}
	before.Timeline = before.Timeline.clone() // it is written to
	return &Meter{m: before, given: true}
}

// at is a time as running time.
func (t *Meter) at(now time.Time) time.Duration { return t.before + now.Sub(t.started) }

// Wrote counts rows that got their results.
func (t *Meter) Wrote(rows int64, now time.Time) {
	if t.given {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.m.Timeline.bucket(t.at(now))
	t.m.Timeline.Rows[i] += rows
}

// Placed counts a row of a run whose measures were given, when it was answered.
func (t *Meter) Placed(at time.Time) {
	if !t.given {
		return
	}
	running := max(0, at.Sub(t.m.StartedAt))
	t.m.Running = max(t.m.Running, running)
	t.m.Timeline.Rows[t.m.Timeline.bucket(running)]++
}

// Answered counts an attempt that came back.
func (t *Meter) Answered(now time.Time, a *session.Reply) {
	if a.Outcome == session.Cancelled || t.given {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.m.Timeline.bucket(t.at(now))
	t.m.Timeline.Calls[i]++
	switch a.Outcome {
	case session.Throttled:
		t.m.Throttled++
		t.m.Timeline.Throttled[i]++
	case session.Unreachable:
	default:
		t.m.Latency.add(a.Latency)
	}
}

// Paced takes in how the pace stands. What was added since the last look to
// the time paused, and to that of outages, has ended now.
func (t *Meter) Paced(now time.Time, s pace.Snapshot) {
	if t.given {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	heldMore, outMore := max(0, s.Held-t.seen.Held), max(0, s.Outage-t.seen.Outage)
	t.m.Held += heldMore
	t.m.Outage += outMore
	t.m.Outages += s.Outages - t.seen.Outages
	t.m.Timeline.spread(held, t.at(now), heldMore)
	t.m.Timeline.spread(outage, t.at(now), outMore)
	t.seen.Outages = s.Outages
	t.seen.Held, t.seen.Outage = max(t.seen.Held, s.Held), max(t.seen.Outage, s.Outage)
}

// Measures are a copy of what is measured by now.
func (t *Meter) Measures(now time.Time) Measures {
	if t.given {
		m := t.m
		m.Timeline = t.m.Timeline.clone()
		return m
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m.Running = t.at(now)
	starts := t.m.Timeline.Starts
	starts[len(starts)-1].EndedAt = now.UTC()
	m := t.m
	m.Timeline = t.m.Timeline.clone()
	m.Latency.Counts = append([]int64(nil), t.m.Latency.Counts...)
	return m
}

// Add takes in what another part of the same job measured, but for its rows:
// parts read rows that are not theirs to answer. Times in which several parts
// paused or met an outage add up. Starts are those of the job.
func (m *Measures) Add(o *Measures) {
	if m.StartedAt.IsZero() {
		*m = Measures{StartedAt: o.StartedAt}
		m.Timeline.start(0, o.StartedAt)
	}
	if early := m.StartedAt.Sub(o.StartedAt); early > 0 {
		m.Timeline.later(early)
		m.StartedAt, m.Running = o.StartedAt, m.Running+early
	}
	after := o.StartedAt.Sub(m.StartedAt)
	m.Running = max(m.Running, after+o.Running)
	m.Throttled += o.Throttled
	m.Held += o.Held
	m.Outage += o.Outage
	m.Outages += o.Outages
	m.Latency.merge(&o.Latency)
	m.Timeline.merge(after, &o.Timeline)
	m.Timeline.Starts[0].EndedAt = m.StartedAt.Add(m.Running).UTC()
}
