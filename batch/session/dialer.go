package session

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/proxy"
)

// dialer opens connections to a service, straight or through a proxy, with TLS if
// they are to have that. It is safe for concurrent use.
type dialer struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	service string        // host in ASCII, and port
	tls     *tls.Config   // nil: plain http
	via     *url.URL      // a proxy; nil: there is none
	opens   time.Duration // how long a proxy may take to open the way
}

// addressOf is the host, in ASCII, and the port of a service or a proxy.
func addressOf(u *url.URL) string {
	host := u.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	ports := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	return net.JoinHostPort(host, cmp.Or(u.Port(), ports[u.Scheme]))
}

// open makes a new connection that speaks one of some protocols, named as in TLS
// (RFC 7301). below is the TCP connection that carries it.
func (d *dialer) open(ctx context.Context, protocols ...string) (conn, below net.Conn, err error) {
	conn, below, err = d.reach(ctx)
	if err == nil && d.tls != nil {
		conn, err = handshake(ctx, conn, d.tls, d.service, protocols...)
	}
	return conn, below, orEnd(ctx, err)
}

// reach makes a connection to the service. below is the TCP connection that carries
// it: the same one, where there is no proxy.
func (d *dialer) reach(ctx context.Context) (conn, below net.Conn, err error) {
	if d.via == nil {
		conn, err = d.dial(ctx, "tcp", d.service)
		return conn, conn, err
	}
	toProxy, err := d.dial(ctx, "tcp", addressOf(d.via))
	if err != nil {
		return nil, nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, d.opens) // what a transport opens does not end with a call
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = toProxy.Close() })
	conn, err = d.tunnel(ctx, toProxy)
	if !stop() || err != nil {
		_ = toProxy.Close() // it leads nowhere
		return nil, nil, cmp.Or(ctx.Err(), err)
	}
	return conn, toProxy, nil
}

// tunnel has a proxy open the way to the service.
func (d *dialer) tunnel(ctx context.Context, conn net.Conn) (net.Conn, error) {
	switch d.via.Scheme {
	case "socks5", "socks5h":
		over, err := proxy.FromURL(d.via, already{conn})
		if err != nil {
			return nil, err
		}
		return over.(proxy.ContextDialer).DialContext(ctx, "tcp", d.service)
	case "https":
		secure, err := handshake(ctx, conn, d.tls, addressOf(d.via))
		if err != nil {
			return nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
		}
		conn = secure
	}
	return conn, d.connect(conn)
}

// connect asks a proxy for the way, by RFC 9110 section 9.3.6.
func (d *dialer) connect(conn net.Conn) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: d.service}, Host: d.service, Header: http.Header{}}
	if user := d.via.User; user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	// Nothing of the service comes before it was spoken to.
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxHeaderBytes)), request) //nolint:bodyclose // what follows is no body
	if err == nil && response.StatusCode != http.StatusOK {
		err = &proxyError{response.StatusCode}
	}
	return err
}

// handshake has TLS on a connection to an address, and closes it if that fails.
func handshake(ctx context.Context, conn net.Conn, config *tls.Config, address string, protocols ...string) (net.Conn, error) {
	config = config.Clone()
	config.NextProtos = protocols
	config.ServerName, _, _ = net.SplitHostPort(address) // it was joined
	within, cancel := context.WithTimeoutCause(ctx, tlsTimeout, errHandshake)
	defer cancel()
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	secure := tls.Client(&records{Conn: conn}, config)
	shaken := make(chan error)
	go func() { shaken <- secure.HandshakeContext(within) }() // its stack is large, and goes with it
	err := <-shaken
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(secure.ConnectionState(), err)
	}
	if err != nil {
		_ = conn.Close() // it failed already
		if errors.Is(context.Cause(within), errHandshake) {
			return nil, errHandshake
		}
		return nil, err
	}
	return secure, nil
}

// errHandshake ends a TLS handshake that takes too long.
var errHandshake = errors.New("the TLS handshake took too long")

// already is a dialer that has a connection already.
type already struct{ net.Conn }

// Dial implements proxy.Dialer.
func (a already) Dial(string, string) (net.Conn, error) { return a.Conn, nil }
