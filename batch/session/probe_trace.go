package session

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"slices"
	"sync"
)

// sightings are what a trace tells of a connection that comes about. Several
// addresses may be dialed at once, so it is safe for concurrent use.
type sightings struct {
	mu        sync.Mutex // covers what follows
	names     int        // look-ups that have begun and not ended
	found     []string   // addresses that a name leads to
	dialed    []string   // addresses in the order in which they were tried
	reached   string     // the address that took the connection
	handshake bool       // TLS has begun
	up        bool       // there is a connection, with TLS if it is to have that
	state     *tls.ConnectionState
}

// watch is a context whose request is watched. established is called when there
// is a connection.
func (s *sightings) watch(ctx context.Context, established func()) context.Context {
	locked := func(f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { locked(func() { s.names++ }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			locked(func() {
				s.names--
				for _, a := range i.Addrs {
					if a := a.String(); !slices.Contains(s.found, a) {
						s.found = append(s.found, a)
					}
				}
			})
		},
		ConnectStart: func(_, address string) { locked(func() { s.dialed = append(s.dialed, address) }) },
		ConnectDone: func(_, address string, err error) {
			locked(func() {
				if err == nil {
					s.reached = address
				}
			})
		},
		TLSHandshakeStart: func() { locked(func() { s.handshake = true }) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			locked(func() {
				if err == nil {
					s.state = &state
				}
			})
		},
		GotConn: func(httptrace.GotConnInfo) {
			locked(func() { s.up = true })
			established()
		},
	})
}

func (s *sightings) resolving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names > 0
}

// mostAddresses bounds how many addresses of a name are told.
const mostAddresses = 3

func (s *sightings) addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found) > mostAddresses {
		return append(slices.Clone(s.found[:mostAddresses]), "…")
	}
	return slices.Clone(s.found)
}

// greeting reports that a TLS handshake has begun.
func (s *sightings) greeting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handshake
}

func (s *sightings) established() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

func (s *sightings) connected() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached
}

// target is the address that was tried first.
func (s *sightings) target() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dialed) == 0 {
		return "the service"
	}
	return s.dialed[0]
}

// connection is what TLS has agreed on; nil without TLS.
func (s *sightings) connection() *tls.ConnectionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}
