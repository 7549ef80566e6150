package session

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"slices"
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
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		conn := p.take()
		if conn == nil {
			var err error
			if conn, err = p.open(ctx, until); err != nil {
				return nil, err
			}
		}
		if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Conn: conn, Reused: conn.used})
		}
		response, sent, err := conn.exchange(ctx, until, to, text)
		if err == nil {
			return response, nil
		}
		_ = conn.Close() // it failed already
		if !conn.used || sent {
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
	return newConnection(p, conn, below), nil
}

// take gives a connection that is open and has nothing to read on it, as far as one
// can tell; nil when there is none.
func (p *pool) take() *connection {
	for {
		last := p.last()
		if last == nil || last.fit() {
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
	conn.used, conn.since = true, time.Now()
	p.add(conn)
}

// add takes a connection that no call is using, and closes one that was not needed for
// long.
func (p *pool) add(conn *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) > 0 && time.Since(p.free[0].since) >= idleTimeout {
		_ = p.free[0].Close() // nothing is under way on it
		p.free = slices.Delete(p.free, 0, 1)
	}
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
