package session

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
		client.turns.http1Only()
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

// TestAProxyThatDoesNotAnswerEndsTheCall in its time, and what was opened to it ends
// some time later.
func TestAProxyThatDoesNotAnswerEndsTheCall(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and says nothing
	require.NoError(t, err)
	defer listener.Close()
	var opened, closed atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			opened.Add(1)
			go func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close(); closed.Add(1) }()
		}
	}()
	for _, scheme := range []string{"http", "https", "socks5"} {
		client := clientOf(t, "https://auth.example.com")
		client.pool.dialer.via = &url.URL{Scheme: scheme, Host: listener.Addr().String()}
		client.pool.dialer.opens, client.timeout = 100*time.Millisecond, 50*time.Millisecond
		for range 2 {
			reply := client.Call(t.Context(), &ann)
			assert.Equal(t, "timeout", reply.Code, scheme)
			client.turns.http1Only()
		}
	}
	assert.Eventually(t, func() bool { return opened.Load() == 6 && closed.Load() == 6 }, 10*time.Second, time.Millisecond)
}
