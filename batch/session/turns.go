package session

import (
	"context"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// turnWait is how long a call waits for its turn at most. Behind a connection
	// that does not come about, each then tries one of its own.
	turnWait = time.Second

	// settingsWait is how long the first call of a connection keeps the turn when
	// no answer comes: the service says how many calls the connection takes right
	// after it is open, and until then net/http believes in a hundred.
	settingsWait = 100 * time.Millisecond

	// lateAfter is what a call may wait and still count as sent when it was to be.
	lateAfter = 5 * time.Millisecond
)

// turns has calls get their connections one after another, for as long as the
// service speaks HTTP/2, where a connection serves many calls: net/http opens one
// for each call that finds none, even while another is being opened. A nil one
// keeps no call waiting.
type turns struct {
	http1 atomic.Bool   // the service speaks HTTP/1.1: each call in flight needs a connection of its own
	taken chan struct{} // has room for the call whose turn it is
}

func newTurns() *turns { return &turns{taken: make(chan struct{}, 1)} }

// http2 reports a service that may speak HTTP/2: it is not known yet to speak HTTP/1.1
// only.
func (t *turns) http2() bool { return t != nil && !t.http1.Load() }

// http1Only ends all turns: the service speaks nothing but HTTP/1.1.
func (t *turns) http1Only() {
	t.http1.Store(true)
	t.next()
}

// next lets the next call have its turn.
func (t *turns) next() {
	select {
	case <-t.taken:
	default:
	}
}

// turn is a call's, until it has its connection. A nil one is none.
type turn struct {
	of   *turns
	once sync.Once
}

// take waits for a turn, and gives nil where none is needed, or none came. It
// reports a call as late that had to wait.
func (t *turns) take(ctx context.Context) (taken *turn, late bool) {
	if !t.http2() {
		return nil, false
	}
	select {
	case t.taken <- struct{}{}:
		return &turn{of: t}, false
	default:
	}
	start := time.Now()
	timer := time.NewTimer(turnWait)
	defer timer.Stop()
	select {
	case t.taken <- struct{}{}:
		taken = &turn{of: t}
	case <-timer.C:
	case <-ctx.Done():
	}
	if t.http1.Load() { // as is known since
		taken.end()
		taken = nil
	}
	return taken, time.Since(start) > lateAfter
}

// end lets the next call have its turn. It may be called again.
func (t *turn) end() {
	if t != nil {
		t.once.Do(t.of.next)
	}
}

// watch ends the turn once a call that is made with the context has a connection.
func (t *turn) watch(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if info.Reused {
			t.end()
		} else {
			time.AfterFunc(settingsWait, t.end)
		}
	}})
}
