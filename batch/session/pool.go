package session

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/idna"
)

// pool is the connections to a service that speaks HTTP/1.1, where each call in
// flight needs one of its own. An http.Transport has a pool, too, for any number of
// services: finding a connection in it is a fifth of the CPU that a call takes. It is
// safe for concurrent use.
type pool struct {
	transport *http.Transport // opens connections
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	scheme    string
	address   string // host in ASCII and port, which is empty for that of the scheme

	mu   sync.Mutex
	free []*connection // the one that was used last is taken first
}

// connection is one to the service. No call is using it since the moment that is
// noted, when it is in the pool.
type connection struct {
	*http.ClientConn
	wire  *wire
	since time.Time
}

// wireKey is the context's key for where to put the wire of a new connection.
type wireKey struct{}

func newPool(transport *http.Transport, service *url.URL) *pool {
	transport = transport.Clone()
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{} // no HTTP/2
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	host := service.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil { // as a transport does where it dials by itself
		host = ascii
	}
	p := &pool{transport: transport, dial: transport.DialContext, scheme: service.Scheme, address: net.JoinHostPort(host, service.Port())}
	transport.DialContext = p.lay
	return p
}

// lay dials, and gives the wire to who opens the connection.
func (p *pool) lay(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := p.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := newWire(conn)
	if to, ok := ctx.Value(wireKey{}).(*connection); ok {
		to.wire = w
	}
	return w, nil
}

// open makes a new connection.
func (p *pool) open(ctx context.Context) (*connection, error) {
	opened := &connection{}
	var err error
	opened.ClientConn, err = p.transport.NewClientConn(context.WithValue(ctx, wireKey{}, opened), p.scheme, p.address)
	return opened, err
}

// roundTrip makes a call. The service may close a connection that is idle at any
// moment: where nothing of the body was taken to be sent yet, another one serves.
func (p *pool) roundTrip(request *http.Request, body *bytes.Reader) (*http.Response, error) {
	for {
		conn, used := p.take(), true
		if conn == nil {
			opened, err := p.open(request.Context())
			if err != nil {
				return nil, err
			}
			conn, used = opened, false
		}
		response, err := conn.RoundTrip(request)
		if err == nil {
			response.Body = &lent{response.Body, func() { p.give(conn) }}
			return response, nil
		}
		_ = conn.Close() // it failed already
		if !used || body.Len() < int(body.Size()) || request.Context().Err() != nil {
			return nil, err
		}
	}
}

// take gives a connection that was used before, is open, and has nothing to read
// on it, as far as one can tell; nil when there is none.
func (p *pool) take() *connection {
	for {
		last := p.last()
		switch {
		case last == nil:
			return nil
		case time.Since(last.since) < idleTimeout && last.Err() == nil && last.wire.quiet():
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

// lent is the body of a response, and what is done with its connection once it is
// closed. A connection that cannot be used again closes by itself.
type lent struct {
	io.ReadCloser
	giveBack func()
}

// Close implements io.Closer.
func (l *lent) Close() error {
	err := l.ReadCloser.Close()
	l.giveBack()
	return err
}
