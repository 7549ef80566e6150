package session

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAServiceThatClosesAfterEachAnswerIsCalledOnceForEachRow: over HTTP/1.1 with
// "Connection: close", and over HTTP/2 with GOAWAY, which Go's server makes of it,
// while other calls are under way on the same connection.
func TestAServiceThatClosesAfterEachAnswerIsCalledOnceForEachRow(t *testing.T) {
	for _, major := range []int{1, 2} {
		var mu sync.Mutex
		calls := map[string]int{}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct{ CustomerEmail string }
			_ = json.NewDecoder(r.Body).Decode(&body)
			mu.Lock()
			calls[fmt.Sprintf("HTTP/%d %s", r.ProtoMajor, body.CustomerEmail)]++
			mu.Unlock()
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, envelopeOf(200, "x", idOf(body.CustomerEmail)))
		}))
		server.EnableHTTP2 = major == 2
		server.StartTLS()
		client, err := New(Config{BaseURL: server.URL, AppID: "app", Timeout: 10 * time.Second, MaxInFlight: 8, Authorities: authorities(server)})
		require.NoError(t, err)
		callEach(t, client, 8, 10, major)
		client.CloseIdle()
		server.Close()
		assert.Len(t, calls, 80)
		for row, n := range calls {
			assert.True(t, strings.HasPrefix(row, fmt.Sprintf("HTTP/%d ", major)), row)
			assert.Equal(t, 1, n, row)
		}
	}
}

func TestAnAnswerThatDripsInIsReadInTimeOrInDoubt(t *testing.T) {
	const every = 5 * time.Millisecond
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		answer := envelopeOf(200, "x", "id")
		for i := 0; r.Context().Err() == nil && i < len(answer); i++ {
			_, _ = io.WriteString(w, answer[i:i+1])
			_ = http.NewResponseController(w).Flush()
			time.Sleep(every) // the service is slow, not the test
		}
	})
	assert.Equal(t, "id", client.Call(t.Context(), &ann).SessionID)
	client.timeout = 10 * every
	began := time.Now()
	a := client.Call(t.Context(), &ann)
	assert.Equal(t, InDoubt, a.Outcome)
	assert.Equal(t, "timeout", a.Code, "a byte now and then does not prolong it")
	assert.Less(t, time.Since(began), 5*time.Second)
}

func TestACertificateThatExpiresMeanwhileIsRefusedOnTheNextConnectionAndItsSuccessorTrusted(t *testing.T) {
	ours := newAuthority(t)
	valid := ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))
	expired := ours.server(t, "127.0.0.1", time.Now().Add(-time.Second))
	var shown atomic.Pointer[tls.Certificate]
	shown.Store(&valid)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, processed)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
	}}
	server.StartTLS()
	defer server.Close()
	pool, err := ParseAuthorities(ours.pem())
	require.NoError(t, err)
	client, err := New(Config{BaseURL: server.URL, Timeout: 10 * time.Second, Authorities: pool})
	require.NoError(t, err)
	defer client.CloseIdle()

	for range 2 { // the first connection tells that the service speaks HTTP/1.1, and no more
		require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
	}
	shown.Store(&expired)
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome, "on the connection that it has")
	client.CloseIdle()
	a := client.Call(t.Context(), &ann)
	require.Equal(t, TLSRefused, a.Outcome, a.Message)
	shown.Store(&valid)
	require.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
}

// TestASwitchOfProtocolsIsNoAnswer: nothing would end its body but the service.
func TestASwitchOfProtocolsIsNoAnswer(t *testing.T) {
	closed := make(chan error, 1)
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, out, _ := http.NewResponseController(w).Hijack()
		_, _ = out.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		_ = out.Flush()
		_, err := io.Copy(io.Discard, conn)
		_ = conn.Close()
		closed <- err
	})
	a := client.Call(t.Context(), &ann)
	assert.Equal(t, NotTheAPI, a.Outcome)
	assert.Equal(t, http.StatusSwitchingProtocols, a.Status)
	assert.NoError(t, <-closed, "the connection is of no use")
}
