package measure

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"bulkonboard/batch/pace"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// State says what a run is about.
type State string

// The states of a run.
const (
	Starting State = "starting" // finding out where to begin
	Reading  State = "reading"  // the list is read ahead; nothing is sent
	Running  State = "running"
	Held     State = "held"     // after a 429, only single test calls are sent
	Outage   State = "outage"   // the service is unavailable: only single test calls are sent
	Draining State = "draining" // the run ends early; the calls in flight come back
	Ended    State = "ended"
)

// States lists every state, in the order in which a run comes to them.
func States() []State {
	return []State{Starting, Reading, Running, Held, Outage, Draining, Ended}
}

// Progress is how far a run is at one moment. Its numbers belong together: the
// counts by status add up to Rows.
type Progress struct {
	State State
	Since time.Time // of Held and Outage
	Until time.Time // of Held and Outage: no trial before; zero while one is under way

	// Rows and Bytes of the list are written or, while it is read ahead, read.
	// Earlier runs that this one resumes count.
	Rows, Bytes int64
	// Answered rows have their result; those beyond Rows wait for a row before
	// them.
	Answered int64
	// OfRows and OfBytes is how much the list has, after decompression; 0
	// while that is not known.
	OfRows, OfBytes int64
	// Share of the list that is written or read, from 0 to 1; 0 while it is
	// not known.
	Share float64

	Status   map[sink.Status]int64
	Open     int64         // of the rows that need attention, those of which an earlier run has reported the same
	InFlight int           // attempts under way
	Pace     pace.Snapshot // of this run
}

// Monitor is where a run shows how far it is. Its owner may look at any
// time, from any goroutine. The zero value is ready for one run, and for the
// preflight before it.
type Monitor struct {
	answered atomic.Int64

	mu  sync.Mutex // covers what follows
	now Progress
	at  time.Time // of the pace
}

// Progress tells how far the run is.
func (m *Monitor) Progress() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.now
	if p.State == "" {
		p.State = Starting
	}
	p.Answered = max(m.answered.Load(), p.Rows)
	p.Status = maps.Clone(p.Status)
	if p.OfRows > 0 {
		p.Share = min(1, float64(p.Rows)/float64(p.OfRows))
	}
	// There are no reports while every call waits, and yet the time goes by.
	switch waited := time.Since(m.at); {
	case m.at.IsZero() || p.State == Ended:
	case p.Pace.State == pace.Held:
		p.Pace.Held += waited
	case p.Pace.State == pace.Out:
		p.Pace.Outage += waited
	}
	return p
}

// Expect says how many rows and bytes the list has.
func (m *Monitor) Expect(rows, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.OfRows, m.now.OfBytes = rows, bytes
}

// Read takes in how far reading ahead is.
func (m *Monitor) Read(rows, bytes int64, share float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.State, m.now.Rows, m.now.Bytes, m.now.Share = Reading, rows, bytes, share
}

// Begin takes in where a run begins, and what earlier ones had done.
func (m *Monitor) Begin(t *Tally, at source.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answered.Store(at.Row)
	m.now.State, m.now.Rows, m.now.Bytes, m.now.Share = Running, at.Row, at.Offset, 0
	m.now.Status, m.now.Open = maps.Clone(t.Status), t.Open
}

// Answer takes in that a row has its result.
func (m *Monitor) Answer() { m.answered.Add(1) }

// Wrote takes in what was written by now, and where it ends.
func (m *Monitor) Wrote(t *Tally, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.now.Status, t.Status)
	m.now.Open = t.Open
	m.now.Rows, m.now.Bytes = t.Rows, offset
}

// Paced takes in how the pace stands.
func (m *Monitor) Paced(now time.Time, s pace.Snapshot, inFlight int, draining bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.now.Pace, m.now.InFlight = now, s, inFlight
	m.now.State, m.now.Since, m.now.Until = stateOf(s.State), s.Since, s.Until
	if draining {
		m.now.State = Draining
	}
}

func stateOf(s pace.State) State {
	switch s {
	case pace.Held:
		return Held
	case pace.Out:
		return Outage
	default:
		return Running
	}
}

// End takes in that the run is over.
func (m *Monitor) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.State, m.now.InFlight = Ended, 0
}
