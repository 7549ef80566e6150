package session

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryAttemptHasItsWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadlines(time.Minute, 1)
		first := d.begin(t.Context())
		time.Sleep(59 * time.Second)
		d.end(first)
		time.Sleep(time.Hour)

		second := d.begin(t.Context())
		require.Same(t, first, second)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		require.NoError(t, second.Err())
		time.Sleep(time.Second)
		synctest.Wait()
		require.ErrorIs(t, context.Cause(second), context.DeadlineExceeded)
		d.end(second)

		third := d.begin(t.Context())
		require.NoError(t, third.Err(), "one that ended is not lent again")
		d.end(third)
	})
}

func TestAnAttemptEndsWithTheContextThatItComesFrom(t *testing.T) {
	d := newDeadlines(time.Minute, 1)
	d.end(d.begin(t.Context()))
	from, cancel := context.WithCancel(t.Context())
	l := d.begin(from)
	require.NoError(t, l.Err())
	cancel()
	require.ErrorIs(t, l.Err(), context.Canceled)
	d.end(l)
}

// TestWhatFailedCallsLeaveIsThrownAway with the context that they had.
func TestWhatFailedCallsLeaveIsThrownAway(t *testing.T) {
	client := clientOf(t, "http://localhost")
	client.pool.dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		return ours, theirs.Close()
	}
	client.deadlines = newDeadlines(time.Minute, 1)
	first := client.deadlines.begin(t.Context())
	client.deadlines.end(first)
	for range mostLent {
		require.NoError(t, first.Err())
		require.Equal(t, InDoubt, client.Call(t.Context(), &ann).Outcome)
	}
	require.Error(t, first.Err())
}

// TestATimeoutIsOfOneAttempt over HTTP/1.1 and over HTTP/2.
func TestATimeoutIsOfOneAttempt(t *testing.T) {
	for _, major := range []int{1, 2} {
		hung := make(chan struct{})
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); len(body) > 500 {
				select {
				case <-hung:
				case <-r.Context().Done():
				}
			}
			_, _ = io.WriteString(w, envelopeOf(200, "x", "id"))
		}))
		server.EnableHTTP2 = major == 2
		server.StartTLS()
		client, err := New(Config{BaseURL: server.URL, AppID: "app", Timeout: 5 * time.Second, MaxInFlight: 1, Authorities: authorities(server)})
		require.NoError(t, err)
		long := ann
		long.ClientID = string(make([]byte, 500))
		for range 3 {
			assert.Equal(t, OK, client.Call(t.Context(), &ann).Outcome, "HTTP/%d", major)
			client.deadlines.timeout = 50 * time.Millisecond
			assert.Equal(t, "timeout", client.Call(t.Context(), &long).Code, "HTTP/%d", major)
			client.deadlines.timeout = 5 * time.Second
		}
		close(hung)
		client.CloseIdle()
		server.Close()
	}
}
