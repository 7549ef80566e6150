package main

import (
	"sync"
	"time"

	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
)

const (
	// troubleCalls in a row, for troubleTime at the least, that the service did
	// not process are more than a stumble: a part that meets them asks what the
	// other parts meet.
	troubleCalls = 6
	troubleTime  = 5 * time.Second
)

// pulse is what the calls of one part have met. It is safe for concurrent use.
type pulse struct {
	mu        sync.Mutex
	answered  int64 // calls that the service has processed
	succeeded int64 // of these, those with a session id
	last      trouble
}

// trouble is what calls have met since the last one that the service processed.
type trouble struct {
	calls   int
	since   time.Time // the first of them came back
	reached bool      // something answered
	kind    cli.Kind
	cause   string // of the last one
}

// saw takes in an answer. One that asks for fewer calls says nothing of the
// worker.
func (p *pulse) saw(now time.Time, a *session.Reply) (answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.last
	switch {
	case a.Outcome == session.Cancelled, a.Outcome == session.Throttled:
		return false
	case a.Outcome.Processed():
		p.answered++
		if a.Outcome == session.OK {
			p.succeeded++
		}
		*t = trouble{}
		return true
	case a.Outcome == session.CredentialsRefused, a.Outcome == session.TenantRefused:
		t.kind = cli.Refused
	default:
		t.kind = cli.Stopped
	}
	if t.calls++; t.calls == 1 {
		t.since = now
	}
	t.reached = t.reached || a.Outcome.Reached()
	t.cause = a.Code
	if a.Message != "" && a.Message != a.Code {
		t.cause += ": " + a.Message
	}
	return false
}

// trouble gives what the part is in, if it is in any.
func (p *pulse) trouble(now time.Time) (trouble, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.last.calls >= troubleCalls && now.Sub(p.last.since) >= troubleTime
}

// well reports that the service has processed the last call.
func (p *pulse) well() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered > 0 && p.last.calls == 0
}

// counts are the calls that the service has processed, and those of them that
// brought a session id.
func (p *pulse) counts() (answered, succeeded int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered, p.succeeded
}
