package session

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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

// rotating is a service that takes one secret, and says of all others that they
// are wrong. It is a transport, for the clock of a bubble.
type rotating struct {
	secret         atomic.Value
	calls, refused atomic.Int64
}

func (s *rotating) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	var body struct{ AppSecret string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	w := httptest.NewRecorder()
	if body.AppSecret != s.secret.Load() {
		s.refused.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"statusCode":400,"messages":["Invalid AppId or AppSecret: `+body.AppSecret+`"]}`)
	} else {
		_, _ = io.WriteString(w, envelopeOf(200, "x", "id"))
	}
	return w.Result(), nil
}

func TestARotatedSecretIsFetchedOnceForAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var service rotating
		service.secret.Store("the-first-secret")
		var fetched, waited atomic.Int64
		client, err := New(Config{
			BaseURL: "https://x.example", AppSecret: "the-first-secret", Timeout: time.Second, MaxInFlight: 64, Transport: &service,
			Renew: func(context.Context) (Secret, error) {
				fetched.Add(1)
				time.Sleep(3 * time.Second) // longer than an attempt may take
				return Secret(service.secret.Load().(string)), nil
			},
		})
		require.NoError(t, err)
		ctx := Paced(t.Context(), func(context.Context) bool { waited.Add(1); return true })
		all := func() {
			var calls sync.WaitGroup
			for range 64 {
				calls.Go(func() { assert.Equal(t, OK, client.Call(ctx, &ann).Outcome) })
			}
			calls.Wait()
		}
		all()
		assert.Zero(t, fetched.Load())
		service.secret.Store("the-second-secret")
		all()
		assert.EqualValues(t, 1, fetched.Load())
		assert.EqualValues(t, 64, waited.Load(), "each was refused or waited, and goes in its turn")
		all()
		time.Sleep(renewEvery)
		service.secret.Store("the-third-secret")
		all()
		assert.EqualValues(t, 2, fetched.Load(), "it is rotated again")

		// A service that echoes an earlier secret does not reveal it.
		service.secret.Store("still unknown")
		for _, secret := range []string{"the-first-secret", "the-second-secret", "the-third-secret"} {
			assert.Equal(t, "x", client.access.current.Load().clean("is "+secret, "is "+secret, "x"))
		}
	})
}

func TestCredentialsThatStayRefusedAreFetchedOnce(t *testing.T) {
	for name, fetch := range map[string]func() (Secret, error){
		"the same again":    func() (Secret, error) { return "wrong-secret", nil },
		"none":              func() (Secret, error) { return "", errors.New("the store is down: wrong-secret") },
		"another wrong one": func() (Secret, error) { return "other-wrong-secret", nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var service rotating
				service.secret.Store("right")
				var fetched int
				client, err := New(Config{
					BaseURL: "https://x.example", AppSecret: "wrong-secret", Timeout: time.Second, Transport: &service,
					Renew: func(context.Context) (Secret, error) { fetched++; return fetch() },
				})
				require.NoError(t, err)
				for range 20 {
					answer := client.Call(t.Context(), &ann)
					assert.Equal(t, CredentialsRefused, answer.Outcome)
					assert.NotContains(t, answer.Message, "wrong-secret")
				}
				assert.Equal(t, 1, fetched)
				assert.LessOrEqual(t, service.calls.Load(), int64(21))
				time.Sleep(renewEvery)
				client.Call(t.Context(), &ann)
				assert.Equal(t, 2, fetched)
			})
		})
	}
}

func TestACallThatWaitsForASecretEndsWithItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var service rotating
		service.secret.Store("right")
		client, err := New(Config{
			BaseURL: "https://x.example", AppSecret: "wrong", Timeout: time.Second, Transport: &service,
			Renew: func(ctx context.Context) (Secret, error) { <-ctx.Done(); return "", ctx.Err() },
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() { client.Call(ctx, &ann) })
		}
		synctest.Wait()
		calls.Go(func() { assert.Equal(t, Cancelled, client.Call(ctx, &ann).Outcome, "it was to wait, and sent nothing") })
		synctest.Wait()
		sent := service.calls.Load()
		stop()
		calls.Wait()
		assert.Equal(t, sent, service.calls.Load())
	})
}
