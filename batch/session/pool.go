package session

import (
	"bytes"
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
	scheme    string
	address   string // host in ASCII and port, which is empty for that of the scheme

	mu   sync.Mutex
	free []idle // the one that was used last is taken first
}

// idle is a connection that no call is using.
type idle struct {
	conn  *http.ClientConn
	since time.Time
}

func newPool(transport *http.Transport, service *url.URL) *pool {
	transport = transport.Clone()
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{} // no HTTP/2
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	host := service.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil { // as a transport does where it dials by itself
		host = ascii
	}
	return &pool{transport: transport, scheme: service.Scheme, address: net.JoinHostPort(host, service.Port())}
}

// roundTrip makes a call. The service may close a connection that is idle at any
// moment: where nothing of the body was taken to be sent yet, another one serves.
func (p *pool) roundTrip(request *http.Request, body *bytes.Reader) (*http.Response, error) {
	for {
		conn, used := p.take(), true
		if conn == nil {
			opened, err := p.transport.NewClientConn(request.Context(), p.scheme, p.address)
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

// take gives a connection that was used before and is open, as far as one can
// tell; nil when there is none.
func (p *pool) take() *http.ClientConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.free) - 1; n >= 0; n-- {
		last := p.free[n]
		p.free[n] = idle{}
		p.free = p.free[:n]
		switch {
		case time.Since(last.since) >= idleTimeout: // what lies between may have forgotten it
			_ = last.conn.Close() // nothing is under way on it
		case last.conn.Err() == nil:
			return last.conn
		}
	}
	return nil
}

// give takes back a connection whose call is over.
func (p *pool) give(conn *http.ClientConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, idle{conn, time.Now()})
}

// closeIdle closes the connections that no call is using.
func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, idle := range p.free {
		_ = idle.conn.Close() // nothing is under way on it
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
