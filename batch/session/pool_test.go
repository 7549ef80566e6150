package session

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
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
	client.pool.dial = p.dial
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
		client.pool.dial = func(context.Context, string, string) (net.Conn, error) {
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

func TestACallOfWhichNothingWasSentIsMadeOnAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		defer close(hangs)
		calls := 0
		client, service := piped(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if calls++; calls == 2 {
				<-hangs
			}
			_, _ = io.WriteString(w, processed)
		})
		require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
		conn := client.pool.take()
		client.pool.give(conn)
		client.pool.give(conn) // so that the second call waits for the first one
		first, second := make(chan Reply, 1), make(chan Reply, 1)
		go func() { first <- client.Call(t.Context(), &ann) }()
		synctest.Wait()
		go func() { second <- client.Call(t.Context(), &ann) }()
		synctest.Wait()
		require.NoError(t, conn.Close())
		assert.Equal(t, InDoubt, (<-first).Outcome, "it was sent")
		assert.Equal(t, OK, (<-second).Outcome)
		assert.EqualValues(t, 2, service.dialed.Load())
		assert.Equal(t, 3, calls)
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
	client.turns.http1.Store(true)
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	assert.EqualValues(t, 1, major.Load())
}

// TestThePoolDialsWhatATransportWould so that a name in any script is found, and is
// that of the certificate.
func TestThePoolDialsWhatATransportWould(t *testing.T) {
	for host, dialed := range map[string]string{
		"bücher.example": "xn--bcher-kva.example:443",
		"مثال.إختبار":    "xn--mgbh0fb.xn--kgbechtv:443",
		"Some_Host:8443": "Some_Host:8443",
		"[::1]":          "[::1]:443",
	} {
		client := clientOf(t, "https://"+host)
		var addresses []string
		dial := func(_ context.Context, _, address string) (net.Conn, error) {
			addresses = append(addresses, address)
			return nil, net.ErrClosed
		}
		client.transport.(*http.Transport).DialContext = dial
		client.pool.dial = dial
		client.Call(t.Context(), &ann)
		client.turns.http1.Store(true)
		client.Call(t.Context(), &ann)
		assert.Equal(t, []string{dialed, dialed}, addresses)
	}
}

// TestThePoolTakesTheWayThroughAProxy with its credentials, for each connection.
func TestThePoolTakesTheWayThroughAProxy(t *testing.T) {
	client, _ := counting(t, false, 0, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, processed) })
	asked := make(chan string, 3)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		there, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if !assert.NoError(t, err) {
			return
		}
		here, _, _ := http.NewResponseController(w).Hijack()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
		go func() { _, _ = io.Copy(here, there); _ = here.Close() }()
	}))
	defer proxy.Close()
	transport := client.transport.(*http.Transport)
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy.Listener.Addr().String(), User: url.UserPassword("user", "pass")})
	client.pool = newPool(transport, client.template.URL)
	for range 3 { // the first one is of the transport
		require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	}
	client.CloseIdle()
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	require.Len(t, asked, 3, "one for the transport, and two for the pool")
	for range 3 {
		assert.Equal(t, "CONNECT "+client.template.URL.Host+" Basic dXNlcjpwYXNz", <-asked)
	}
}

// held is a request's context that keeps net/http, once an answer has been read,
// from what it does then, which is to look for bytes behind the answer.
type held struct {
	context.Context
	done, free chan struct{}
}

func (h held) Done() <-chan struct{}        { return h.done }
func (h held) AfterFunc(func()) func() bool { return func() bool { <-h.free; return true } }

// TestAnAnswerThatNobodyAskedForIsNobodys: it came with the answer before it, and
// the next call has another customer.
func TestAnAnswerThatNobodyAskedForIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, service := piped(t, func(w http.ResponseWriter, r *http.Request) {
			id, _ := io.ReadAll(r.Body)
			conn, out, _ := http.NewResponseController(w).Hijack()
			for range 2 {
				_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(id)) + "\r\n\r\n" + string(id))
			}
			_ = out.Flush()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		})
		call := func(ctx context.Context, id string) <-chan string {
			answer := make(chan string, 1)
			go func() {
				response, err := client.pool.roundTrip(posting(ctx, client.template, []byte(id)))
				if !assert.NoError(t, err) {
					return
				}
				got, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				answer <- string(got)
			}()
			return answer
		}
		free := make(chan struct{})
		first := call(held{t.Context(), make(chan struct{}), free}, "Ann's")
		synctest.Wait()
		second := call(t.Context(), "Bob's")
		synctest.Wait()
		close(free)
		assert.Equal(t, "Ann's", <-first)
		assert.Equal(t, "Bob's", <-second)
		assert.EqualValues(t, 2, service.dialed.Load())
	})
}

// TestWhatHasComeToAnIdleConnectionIsSeenBeforeItIsUsed, be it bytes or the end,
// and whether net/http has had the time to see it or not.
func TestWhatHasComeToAnIdleConnectionIsSeenBeforeItIsUsed(t *testing.T) {
	for name, come := range map[string]func(net.Conn) error{
		"bytes": func(theirs net.Conn) error { _, err := theirs.Write([]byte("x")); return err },
		"end":   net.Conn.Close,
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		theirs, err := listener.Accept()
		require.NoError(t, err)
		ours := newWire(conn)
		ours.waiting = true // who does so has not woken up yet
		assert.True(t, ours.quiet(), name)
		require.NoError(t, come(theirs))
		assert.Eventually(t, func() bool { return !ours.quiet() }, 10*time.Second, time.Millisecond, name)
		_ = theirs.Close()
		assert.NoError(t, ours.Close())
		assert.NoError(t, listener.Close())
	}
}

// slow is a connection whose reader has what has come, and does not get on with it.
type slow struct {
	*net.TCPConn
	read, free chan struct{}
}

func (s slow) Read(p []byte) (int, error) {
	n, err := s.TCPConn.Read(p)
	close(s.read)
	<-s.free
	return n, err
}

// TestWhatIsJustBeingReadIsSeen, too: the system does not have it any more, and
// net/http does not have it yet.
func TestWhatIsJustBeingReadIsSeen(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	theirs, err := listener.Accept()
	require.NoError(t, err)
	reader := slow{conn.(*net.TCPConn), make(chan struct{}), make(chan struct{})}
	ours := newWire(reader)
	got := make(chan string)
	go func() {
		text := make([]byte, 10)
		n, _ := ours.Read(text)
		got <- string(text[:n])
	}()
	assert.True(t, ours.quiet())
	_, err = theirs.Write([]byte("x"))
	require.NoError(t, err)
	<-reader.read
	ours.mu.Lock()
	assert.False(t, ours.waiting)
	ours.mu.Unlock()
	close(reader.free)
	assert.Equal(t, "x", <-got)
	assert.NoError(t, theirs.Close())
	assert.NoError(t, ours.Close())
	assert.False(t, ours.quiet())
	assert.NoError(t, listener.Close())
}

// TestAConnectionIsUsedWhenNothingIsLeftOfItsAnswer in what net/http has read.
func TestAConnectionIsUsedWhenNothingIsLeftOfItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, closes := range []bool{true, false} {
			ours, theirs := net.Pipe()
			w := newWire(ours)
			quiet := make(chan bool)
			go func() { quiet <- w.quiet() }()
			synctest.Wait()
			select {
			case <-quiet:
				t.Error("nobody has read on, and nobody has closed it")
			default:
			}
			if closes {
				require.NoError(t, w.Close())
			} else {
				go func() { _, _ = w.Read(make([]byte, 1)) }()
			}
			assert.Equal(t, !closes, <-quiet)
			_ = w.Close()
			_ = theirs.Close()
		}
	})
}
