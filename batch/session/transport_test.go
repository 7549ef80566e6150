package session

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	assert.Contains(t, a.Message, "plain http")
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
			_, _ = io.WriteString(w, envelopeOf(200, "x", "id of "+body.CustomerEmail))
		}))
		server.EnableHTTP2 = major == 2
		server.StartTLS()
		transport := newTransport(16)
		transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		client, err := New(Config{BaseURL: server.URL, AppID: "app", Timeout: 5 * time.Second, UserAgent: "agent", Transport: transport})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				for i := range 20 {
					r := ann
					r.Email = fmt.Sprintf("c%d-%d@example.com", worker, i)
					a := client.Call(t.Context(), &r)
					assert.Equal(t, "id of "+r.Email, a.SessionID, "HTTP/%d: %s", major, a.Message)
				}
			})
		}
		wg.Wait()
		client.CloseIdle()
		server.Close()
	}
}
