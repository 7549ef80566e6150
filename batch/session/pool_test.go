package session

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
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
	client.turns.http1Only()
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	assert.EqualValues(t, 1, major.Load())
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
