package session

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipes is a service whose connections are memory, so that it has the clock of a
// bubble, and how often it was dialed.
type pipes struct {
	accepted chan net.Conn
	dialed   atomic.Int64
}

func (p *pipes) Accept() (net.Conn, error) {
	conn, open := <-p.accepted
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	p.dialed.Add(1)
	ours, theirs := net.Pipe()
	p.accepted <- theirs
	return ours, nil
}

// piped is a client of a service of that kind.
func piped(t *testing.T, h http.HandlerFunc) (*Client, *pipes) {
	p := &pipes{accepted: make(chan net.Conn, 1)}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Hour}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p) }()
	client := clientOf(t, "http://localhost")
	client.pool.dialer.dial = p.dial
	t.Cleanup(func() {
		client.CloseIdle()
		close(p.accepted)
		_ = server.Close()
		<-served
	})
	return client, p
}

func TestAConnectionServesOneCallAfterAnotherUntilItWasIdleForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, service := piped(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, processed)
		})
		for range 3 {
			require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
			time.Sleep(idleTimeout - time.Second)
		}
		assert.EqualValues(t, 1, service.dialed.Load())
		time.Sleep(time.Second)
		require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
		assert.EqualValues(t, 2, service.dialed.Load())
		assert.Len(t, client.pool.free, 1, "the other one is closed")
	})
}

func TestAConnectionThatTheServiceHasClosedIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client, service := piped(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			_, _ = io.Copy(io.Discard, r.Body)
			conn, out, _ := http.NewResponseController(w).Hijack()
			_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(processed)) + "\r\n\r\n" + processed)
			_ = out.Flush()
			_ = conn.Close() // without a word before
		})
		for n := range 5 {
			synctest.Wait()
			require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
			assert.EqualValues(t, n+1, service.dialed.Load())
		}
		assert.Equal(t, 5, calls)
	})
}

// TestAServiceThatClosesEveryConnectionIsNotDialedWithoutEnd for one call.
func TestAServiceThatClosesEveryConnectionIsNotDialedWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := clientOf(t, "http://localhost")
		dialed := 0
		client.pool.dialer.dial = func(context.Context, string, string) (net.Conn, error) {
			dialed++
			ours, theirs := net.Pipe()
			return ours, theirs.Close()
		}
		assert.Equal(t, InDoubt, client.Call(t.Context(), &ann).Outcome)
		assert.Equal(t, 1, dialed)
	})
}

func TestAnErrorIsToldAsATransportTellsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := piped(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		})
		reply := client.Call(t.Context(), &ann)
		assert.Equal(t, "connection_closed", reply.Code)
		assert.Equal(t, "EOF", reply.Message)
	})
}

// deaf is a connection that takes nothing to be sent, as one that was reset.
type deaf struct{ net.Conn }

func (deaf) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestACallOfWhichNothingWasSentIsMadeOnAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client, service := piped(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			calls++
			_, _ = io.WriteString(w, processed)
		})
		require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
		conn := client.pool.free[0]
		conn.Conn = deaf{conn.Conn}
		assert.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
		assert.EqualValues(t, 2, service.dialed.Load())
		assert.Equal(t, 2, calls)
	})
}

// TestThePoolSpeaksHTTP11 also to a service that has come to speak HTTP/2: its
// connections serve one call at a time.
func TestThePoolSpeaksHTTP11(t *testing.T) {
	var major atomic.Int64
	client, _ := counting(t, true, 250, func(w http.ResponseWriter, r *http.Request) {
		major.Store(int64(r.ProtoMajor))
		_, _ = io.WriteString(w, processed)
	})
	client.turns.over()
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	assert.EqualValues(t, 1, major.Load())
}

// TestANameInAnyScriptIsDialedInASCII, and is that of the certificate.
func TestANameInAnyScriptIsDialedInASCII(t *testing.T) {
	for host, dialed := range map[string]string{
		"bücher.example": "xn--bcher-kva.example:443",
		"مثال.إختبار":    "xn--mgbh0fb.xn--kgbechtv:443",
		"Some_Host:8443": "Some_Host:8443",
		"[::1]":          "[::1]:443",
	} {
		client := clientOf(t, "https://"+host)
		var addresses []string
		client.pool.dialer.dial = func(_ context.Context, _, address string) (net.Conn, error) {
			addresses = append(addresses, address)
			return nil, net.ErrClosed
		}
		client.Call(t.Context(), &ann)
		client.turns.over()
		client.Call(t.Context(), &ann)
		assert.Equal(t, []string{dialed, dialed}, addresses)
	}
}

// throughTunnels is a client of a service behind a proxy, over HTTP/2 or HTTP/1.1.
func throughTunnels(t *testing.T, http2 bool, via *url.URL) *Client {
	client, _ := counting(t, http2, 250, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, processed) })
	client.pool.dialer.via = via
	return client
}

// join hands on what comes on either of two connections.
func join(here, there net.Conn) {
	go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
	go func() { _, _ = io.Copy(here, there); _ = here.Close() }()
}

// TestCallsGoThroughAProxy with its credentials, for each connection.
func TestCallsGoThroughAProxy(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, http2 := range []bool{false, true} {
			asked := make(chan string, 3)
			proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
				there, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
				if !assert.NoError(t, err) {
					return
				}
				here, _, _ := http.NewResponseController(w).Hijack()
				_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
				join(here, there)
			}))
			via := &url.URL{Scheme: "http", User: url.UserPassword("user", "pass")}
			if secure {
				via.Scheme = "https"
				proxy.StartTLS() // with the certificate that the service has, too
			} else {
				proxy.Start()
			}
			defer proxy.Close()
			via.Host = proxy.Listener.Addr().String()
			client := throughTunnels(t, http2, via)
			assert.Equal(t, via.Host, client.Proxy())
			for range 3 {
				reply := client.Call(t.Context(), &ann)
				require.Equal(t, OK, reply.Outcome, reply.Message)
			}
			client.CloseIdle()
			require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
			require.Len(t, asked, 2)
			for range 2 {
				assert.Equal(t, "CONNECT "+client.endpoint.template.URL.Host+" Basic dXNlcjpwYXNz", <-asked)
			}
		}
	}
}

// TestCallsGoThroughASOCKSProxy by RFC 1928.
func TestCallsGoThroughASOCKSProxy(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			var greeting [3]byte
			var request [10]byte
			_, _ = io.ReadFull(here, greeting[:])
			_, _ = here.Write([]byte{5, 0})
			_, _ = io.ReadFull(here, request[:])
			there, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: request[4:8], Port: int(request[8])<<8 | int(request[9])})
			if assert.NoError(t, err) {
				_, _ = here.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
				join(here, there)
			}
		}
	}()
	for _, http2 := range []bool{false, true} {
		client := throughTunnels(t, http2, &url.URL{Scheme: "socks5", Host: listener.Addr().String()})
		for range 3 {
			reply := client.Call(t.Context(), &ann)
			require.Equal(t, OK, reply.Outcome, reply.Message)
		}
	}
}

// TestAProxyThatDoesNotAnswerEndsWithTheCall and not later.
func TestAProxyThatDoesNotAnswerEndsWithTheCall(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and says nothing
	require.NoError(t, err)
	defer listener.Close()
	for _, scheme := range []string{"http", "https", "socks5"} {
		client := clientOf(t, "https://auth.example.com")
		client.pool.dialer.via = &url.URL{Scheme: scheme, Host: listener.Addr().String()}
		client.timeout = 50 * time.Millisecond
		for range 2 {
			reply := client.Call(t.Context(), &ann)
			assert.Equal(t, "timeout", reply.Code, scheme)
			client.turns.over()
		}
	}
}

// TestAnAnswerThatNobodyAskedForIsNobodys: it came with the answer before it, and
// the next call has another customer.
func TestAnAnswerThatNobodyAskedForIsNobodys(t *testing.T) {
	twice := func(w http.ResponseWriter, r *http.Request) {
		var body struct{ ClientID string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		answer := envelopeOf(200, "x", "id-of-"+body.ClientID)
		conn, out, _ := http.NewResponseController(w).Hijack()
		for range 2 {
			_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(answer)) + "\r\n\r\n" + answer)
		}
		_ = out.Flush()
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	check := func(t *testing.T, client *Client) {
		for i := range 20 {
			r := ann
			r.ClientID = strconv.Itoa(i)
			reply := client.Call(t.Context(), &r)
			assert.Equal(t, "id-of-"+r.ClientID, reply.SessionID, reply.Message)
		}
	}
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, service := piped(t, twice)
			check(t, client)
			assert.EqualValues(t, 20, service.dialed.Load())
		})
	})
	t.Run("TCP", func(t *testing.T) { check(t, serve(t, twice)) })
	t.Run("TLS", func(t *testing.T) {
		client, _ := counting(t, false, 0, twice)
		check(t, client)
	})
}

// TestWhatHasComeToAnIdleConnectionIsSeenBeforeItIsUsed, be it bytes or the end, in
// whatever layer they are.
func TestWhatHasComeToAnIdleConnectionIsSeenBeforeItIsUsed(t *testing.T) {
	ours := newAuthority(t)
	trusted, err := ParseAuthorities(ours.pem())
	require.NoError(t, err)
	for name, come := range map[string]func(net.Conn) error{
		"bytes": func(theirs net.Conn) error { _, err := theirs.Write([]byte("x")); return err },
		"end":   net.Conn.Close,
	} {
		for _, secure := range []bool{false, true} {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			below, err := net.Dial("tcp", listener.Addr().String())
			require.NoError(t, err)
			theirs, err := listener.Accept()
			require.NoError(t, err)
			conn := below
			if secure {
				theirs = tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))}, SessionTicketsDisabled: true})
				shaken := make(chan error, 1)
				go func() { shaken <- theirs.(*tls.Conn).HandshakeContext(t.Context()) }()
				conn, err = handshake(t.Context(), below, &tls.Config{RootCAs: trusted}, "127.0.0.1:0")
				require.NoError(t, err)
				require.NoError(t, <-shaken)
			}
			c := newConnection(conn, below)
			assert.True(t, c.quiet(), "%s, %t", name, secure)
			assert.True(t, c.quiet(), "looking changes nothing")
			require.NoError(t, come(theirs))
			assert.Eventually(t, func() bool { return !c.quiet() }, 10*time.Second, time.Millisecond, "%s, %t", name, secure)
			_ = theirs.Close()
			_ = c.Close()
			assert.NoError(t, listener.Close())
		}
	}
}
