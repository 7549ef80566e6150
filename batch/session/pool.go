package session

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// pool is the connections to a service that speaks HTTP/1.1, where each call in
// flight needs one of its own. An http.Transport has a pool, too, for any number of
// services, and two goroutines for each connection: together they are half of the CPU
// that a call takes, and most of what it holds while it waits. It is safe for
// concurrent use.
type pool struct {
	dialer *dialer

	mu   sync.Mutex
	free []*connection // the one that was used last is taken first
}

// roundTrip makes a call, which has its time until then. The service may close a
// connection that is idle at any moment: where nothing of the request was taken to be
// sent yet, another one serves. Closing the body of the response ends the call.
func (p *pool) roundTrip(ctx context.Context, until time.Time, to *endpoint, text []byte) (*http.Response, error) {
	for {
		conn, used := p.take(), true
		if conn == nil {
			opened, err := p.open(ctx, until)
			if err != nil {
				return nil, err
			}
			conn, used = opened, false
		}
		if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Conn: conn, Reused: used})
		}
		response, sent, err := conn.exchange(ctx, until, to, text, p.give)
		if err == nil {
			return response, nil
		}
		_ = conn.Close() // it failed already
		if !used || sent || ctx.Err() != nil {
			return nil, err
		}
	}
}

// open makes a new connection.
func (p *pool) open(ctx context.Context, until time.Time) (*connection, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	conn, below, err := p.dialer.open(ctx, "http/1.1")
	if err != nil {
		return nil, err
	}
	return newConnection(conn, below), nil
}

// take gives a connection that is open and has nothing to read on it, as far as one
// can tell; nil when there is none.
func (p *pool) take() *connection {
	for {
		last := p.last()
		switch {
		case last == nil:
			return nil
		case last.since.IsZero(): // not used yet: what has come is about TLS
			return last
		case time.Since(last.since) < idleTimeout && last.quiet():
			return last
		}
		// Closed, or what has come on it is no answer, or what lies between may
		// have forgotten it.
		_ = last.Close() // nothing is under way on it
	}
}

// last takes the connection that was used last.
func (p *pool) last() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free) - 1
	if n < 0 {
		return nil
	}
	last := p.free[n]
	p.free[n] = nil
	p.free = p.free[:n]
	return last
}

// give takes back a connection whose call is over.
func (p *pool) give(conn *connection) {
	conn.since = time.Now()
	p.add(conn)
}

// add takes a connection that no call is using.
func (p *pool) add(conn *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, conn)
}

// closeIdle closes the connections that no call is using.
func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, idle := range p.free {
		_ = idle.Close() // nothing is under way on it
	}
	p.free = nil
}
