package session

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARedirectToNowhereIsARedirect(t *testing.T) {
	for _, location := range []string{"", "://bad%zz"} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		assert.Equal(t, "redirect", client.Call(t.Context(), &ann).Code)
	}
}

func TestPlainHTTPBehindAnHTTPSAddressIsToldAndNothingSent(t *testing.T) {
	server := httptest.NewServer(nil)
	defer server.Close()
	a := clientOf(t, strings.Replace(server.URL, "http:", "https:", 1)).Call(t.Context(), &ann)
	assert.Equal(t, Unreachable, a.Outcome)
	assert.Equal(t, "tls_plain_http", a.Code)
	assert.Contains(t, a.Message, "plain http")
}

// idOf is the session id of a customer.
func idOf(email string) string { return "id-of-" + strings.ReplaceAll(email, "@", "-at-") }

// callEach makes calls for customers of their own, as many workers at once, and checks
// that each gets its own session id.
func callEach(t *testing.T, client *Client, workers, calls, major int) {
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range calls {
				r := ann
				r.Email = fmt.Sprintf("c%d-%d@example.com", worker, i)
				a := client.Call(t.Context(), &r)
				assert.Equal(t, idOf(r.Email), a.SessionID, "HTTP/%d: %s", major, a.Message)
			}
		})
	}
	wg.Wait()
}

// TestEveryCallCarriesItsOwnCustomer over HTTP/1.1 and over HTTP/2, many at
// once: what calls share is only read.
func TestEveryCallCarriesItsOwnCustomer(t *testing.T) {
	for _, major := range []int{1, 2} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct{ CustomerEmail string }
			_ = json.NewDecoder(r.Body).Decode(&body)
			if r.ProtoMajor != major || r.Header.Get("User-Agent") != "agent" || r.Header.Get("Content-Type") != "application/json" {
				w.WriteHeader(http.StatusTeapot)
			}
			_, _ = io.WriteString(w, envelopeOf(200, "x", idOf(body.CustomerEmail)))
		}))
		server.EnableHTTP2 = major == 2
		server.StartTLS()
		client, err := New(Config{BaseURL: server.URL, AppID: "app", Timeout: 5 * time.Second, MaxInFlight: 16, UserAgent: "agent", Authorities: authorities(server)})
		require.NoError(t, err)
		callEach(t, client, 16, 20, major)
		client.CloseIdle()
		server.Close()
	}
}

func TestAWrongSetUpHasACodeOfItsOwn(t *testing.T) {
	answering := func(head string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			name, value, _ := strings.Cut(head, ": ")
			w.Header().Set(name, value)
			_, _ = io.WriteString(w, processed)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	proxy := func(status int) *Client {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		via, err := url.Parse(server.URL)
		require.NoError(t, err)
		client := clientOf(t, "https://auth.example.com")
		client.pool.dialer.via = via
		return client
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		client  *Client
		outcome Outcome
		code    string
	}{
		"a name that does not resolve":         {clientOf(t, "https://auth.invalid"), Unreachable, "dns_failure"},
		"an address where nothing listens":     {clientOf(t, closed.URL), Unreachable, "connection_refused"},
		"a proxy that asks for a password":     {proxy(407), Unreachable, "proxy_authentication_required"},
		"a proxy that refuses the way":         {proxy(403), Unreachable, "proxy_refused"},
		"a body that is not in gzip":           {clientOf(t, answering("Content-Encoding: gzip")), InDoubt, "wrong_encoding"},
		"an encoding that was not asked for":   {clientOf(t, answering("Content-Encoding: br")), InDoubt, "wrong_encoding"},
		"an encoding that is the answer alone": {clientOf(t, answering("Content-Encoding: Identity")), OK, ""},
	} {
		a := c.client.Call(t.Context(), &ann)
		assert.Equal(t, c.outcome, a.Outcome, "%s: %s", name, a.Message)
		assert.Equal(t, c.code, a.Code, name)
		assert.Equal(t, c.outcome != OK, a.WrongSetUp(), name)
	}
}

func TestAPackedAnswerWithoutEndIsReadToABound(t *testing.T) {
	var empty bytes.Buffer
	require.NoError(t, gzip.NewWriter(&empty).Close())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for {
			if _, err := w.Write(bytes.Repeat(empty.Bytes(), 1000)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	assert.Equal(t, "answer_too_large", clientOf(t, server.URL).Call(t.Context(), &ann).Code)
}
