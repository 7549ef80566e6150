package session

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counting is a service over TLS, and how many connections it was opened.
func counting(t *testing.T, http2 bool, streams int, h http.HandlerFunc) (*Client, *atomic.Int64) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := New(Config{BaseURL: server.URL, Timeout: 10 * time.Second, MaxInFlight: 64, Authorities: authorities(server)})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdle)
	return client, &opened
}

// authorities vouch for a server.
func authorities(server *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

// together makes calls at once, and waits for all of them.
func together(t *testing.T, client *Client, calls int) {
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			a := client.Call(t.Context(), &ann)
			assert.Equal(t, OK, a.Outcome, a.Message)
		})
	}
	wg.Wait()
}

// meeting answers once a number of calls are there.
func meeting(calls int) http.HandlerFunc {
	var there sync.WaitGroup
	there.Add(calls)
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		there.Done()
		there.Wait()
		_, _ = io.WriteString(w, processed)
	}
}

func TestOneConnectionServesAllCallsOverHTTP2(t *testing.T) {
	client, opened := counting(t, true, 250, meeting(64))
	together(t, client, 64)
	assert.EqualValues(t, 1, opened.Load())
}

func TestNoMoreConnectionsAreOpenedThanTheServiceNeedsForCallsAtOnce(t *testing.T) {
	client, opened := counting(t, true, 20, meeting(64))
	together(t, client, 64)
	assert.EqualValues(t, 4, opened.Load(), "20 calls each")
}

func TestCallsOverHTTP11DoNotWaitForEachOther(t *testing.T) {
	client, opened := counting(t, false, 0, meeting(64))
	together(t, client, 64)
	assert.EqualValues(t, 64, opened.Load())
	assert.True(t, client.turns.http1.Load())
}

func TestACallWhoseTurnDoesNotComeGoesWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		first, late := turns.take(t.Context())
		require.NotNil(t, first)
		assert.False(t, late)
		start := time.Now()
		second, late := turns.take(t.Context())
		assert.Nil(t, second)
		assert.True(t, late)
		assert.Equal(t, turnWait, time.Since(start))

		first.end()
		first.end()
		third, late := turns.take(t.Context())
		assert.NotNil(t, third)
		assert.False(t, late)
		third.end()
	})
}

func TestALateCallWaitsForItsPlaceInTheRate(t *testing.T) {
	client, _ := counting(t, true, 250, meeting(1))
	held, _ := client.turns.take(t.Context())
	defer held.end()
	asked := 0
	a := client.Call(Paced(t.Context(), func(context.Context) bool { asked++; return false }), &ann)
	assert.Equal(t, Cancelled, a.Outcome)
	assert.Equal(t, 1, asked)
}

func TestAServiceThatHangsHoldsUpNoOtherCall(t *testing.T) {
	client, _ := counting(t, true, 250, meeting(2))
	together(t, client, 2) // the first has no answer before the second is there
}
