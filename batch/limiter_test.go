package batch

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestTheLimiterSpacesOutWhatAStallHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, held = 100, 250
		limit := newLimiter(newCeiling(pace.Config{Ceiling: perSecond}))
		start := time.Now()
		inSecond := map[time.Duration]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range held {
			all.Go(func() {
				assert.True(t, limit.wait(t.Context()))
				mu.Lock()
				defer mu.Unlock()
				inSecond[time.Since(start)/time.Second]++
			})
		}
		all.Wait()
		assert.Len(t, inSecond, 3)
		for second, n := range inSecond {
			assert.LessOrEqual(t, n, perSecond, "second %d", second)
		}
	})
}

func TestTheLimiterLetsNoCallThroughOnceItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := newLimiter(newCeiling(pace.Config{Ceiling: 0.1}))
		ctx, cancel := context.WithCancel(t.Context())
		assert.True(t, limit.wait(ctx))
		var all sync.WaitGroup
		for range 2 { // one whose turn it is, and one behind
			all.Go(func() { assert.False(t, limit.wait(ctx)) })
		}
		synctest.Wait()
		start := time.Now()
		cancel()
		all.Wait()
		assert.Zero(t, time.Since(start))
		assert.False(t, (*limiter)(nil).wait(ctx), "an open one neither")
	})
}

// rotated is a service that takes another secret after a time. It is a transport,
// for the clock of a bubble.
type rotated struct {
	mu     sync.Mutex
	calls  []time.Time
	secret func() string
}

func (s *rotated) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.calls = append(s.calls, time.Now())
	s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	time.Sleep(40 * time.Millisecond)
	w := httptest.NewRecorder()
	if !bytes.Contains(body, []byte(s.secret())) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"statusCode":400,"messages":["Invalid AppId or AppSecret"],"result":null}`)
		return w.Result(), nil
	}
	_, _ = io.WriteString(w, `{"statusCode":200,"messages":[],"result":{"sessionId":"00000000-0000-4000-8000-000000000001"}}`)
	return w.Result(), nil
}

func TestCallsThatGoAgainWithANewSecretKeepToTheCeiling(t *testing.T) {
	for _, takes := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			change := time.Now().Add(1500 * time.Millisecond)
			service := &rotated{secret: func() string {
				if time.Now().Before(change) {
					return "the-first-secret"
				}
				return "the-second-secret"
			}}
			client, err := session.New(session.Config{
				BaseURL: "https://x.example", AppID: "a", AppSecret: "the-first-secret", TenantID: "t", Timeout: time.Second, MaxInFlight: 16, Transport: service,
				Renew: func(context.Context) (session.Secret, error) {
					time.Sleep(takes)
					return session.Secret(service.secret()), nil
				},
			})
			require.NoError(t, err)
			j := newJob(t, csvList(240), func(ctx context.Context, r *source.Customer, _ int) session.Reply { return client.Call(ctx, r) })
			j.adjust = func(c *Config) {
				c.MaxInFlight, c.MaxAttempts = 16, 1
				c.Pace = pace.Config{MaxInFlight: 16, Ceiling: 60}
			}
			sum, err := j.run(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 240, sum.Status[sink.OK])
			assert.Greater(t, len(service.calls), 240, "some were refused")
			assert.LessOrEqual(t, busiestSecond(service.calls), 60)
		})
	}
}
