package session

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"bulkonboard/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = `s3cr3t/"canary"+é`

var ann = source.Customer{FormID: "f", Type: "Individual", Email: "ann@example.com", FirstName: "Ann", LastName: "Lee"}

// clientOf returns a client of a server, which is closed with the test.
func clientOf(t *testing.T, url string) *Client {
	c, err := New(Config{BaseURL: url, AppID: "app", AppSecret: canary, TenantID: "tenant", Timeout: 5 * time.Second, MaxInFlight: 64})
	require.NoError(t, err)
	t.Cleanup(c.CloseIdle)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *Client {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return clientOf(t, server.URL)
}

func envelopeOf(code int, message, sessionID string) string {
	result := "null"
	if sessionID != "" {
		result = fmt.Sprintf(`{"sessionId":%q}`, sessionID)
	}
	return fmt.Sprintf(`{"version":null,"statusCode":%d,"messages":[%q],"result":%s}`, code, message, result)
}

func TestEveryAnswerHasItsMeaning(t *testing.T) {
	const html = "<html>502 Bad Gateway</html>"
	cases := []struct {
		name    string
		status  int
		header  string // Name: value
		body    string
		outcome Outcome
		code    string
	}{
		{"a session id", 200, "", envelopeOf(200, "Processed successfully", "id-1"), OK, ""},
		{"a session id without statusCode", 200, "", `{"result":{"sessionId":"id-1"}}`, OK, ""},
		{"invalid details", 400, "", envelopeOf(400, "Invalid Customer Details", ""), Rejected, "invalid_customer_details"},
		{"type mismatch", 400, "", envelopeOf(400, "Invalid Customer Type", ""), Rejected, "invalid_customer_type"},
		{"unknown type", 400, "", envelopeOf(400, "Invalid customer type.", ""), Rejected, "invalid_customer_type"},
		{"another 400", 400, "", envelopeOf(400, "No", ""), Rejected, "http_400"},
		{"422", 422, "", envelopeOf(422, "No", ""), Rejected, "http_422"},
		{"null body", 400, "", envelopeOf(400, "Invalid Request", ""), Rejected, "invalid_request"},
		{"wrong credentials by 400", 400, "", envelopeOf(400, "Invalid  appid or AppSecret", ""), CredentialsRefused, "credentials_refused"},
		{"wrong credentials by 401", 401, "", envelopeOf(401, "Invalid credentials", ""), CredentialsRefused, "credentials_refused"},
		{"wrong credentials inside a 200", 200, "", envelopeOf(401, "Invalid credentials", ""), CredentialsRefused, "credentials_refused"},
		{"tenant", 403, "", envelopeOf(403, "Unauthorized tenant", ""), TenantRefused, "tenant_refused"},
		{"a 403 that asks to wait", 403, "Retry-After: 3", "", Throttled, "rate_limited"},
		{"404", 404, "", "not found", NotTheAPI, "http_404"},
		{"404 in an envelope", 404, "", envelopeOf(404, "No such path", ""), NotTheAPI, "http_404"},
		{"a redirect in an envelope", 302, "", envelopeOf(302, "Moved", ""), NotTheAPI, "redirect"},
		{"405", 405, "", "", NotTheAPI, "http_405"},
		{"HTML in a 200", 200, "", html, NotTheAPI, "not_json"},
		{"nothing in a 200", 200, "", "", NotTheAPI, "not_json"},
		{"JSON that is not an envelope", 200, "", `{"hello":1}`, NotTheAPI, "not_json"},
		{"429", 429, "Retry-After: 7", envelopeOf(429, "Too many requests", ""), Throttled, "rate_limited"},
		{"429 inside a 200", 200, "", envelopeOf(429, "Too many requests", ""), Throttled, "rate_limited"},
		{"500", 500, "", envelopeOf(500, "Server error", ""), Failed, "http_500"},
		{"500 inside a 200 with a session", 200, "", envelopeOf(500, "x", "id-1"), Failed, "http_500"},
		{"HTTP 500 around a success", 500, "", envelopeOf(200, "x", "id-1"), Failed, "http_500"},
		{"HTTP 400 around a success", 400, "", envelopeOf(200, "x", "id-1"), Rejected, "http_400"},
		{"400 inside a 200", 200, "", envelopeOf(400, "Invalid Customer Details", "id-1"), Rejected, "invalid_customer_details"},
		{"502 with HTML", 502, "", html, Unavailable, "http_502"},
		{"503", 503, "", "", Unavailable, "http_503"},
		{"504", 504, "", "", Unavailable, "http_504"},
		{"503 that asks to wait", 503, "Retry-After: 3", "", Throttled, "rate_limited"},
		{"503 that asks to wait in a way of its own", 503, "Retry-After: soon", "", Throttled, "rate_limited"},
		{"503 with nothing left", 503, "RateLimit-Remaining: 0", "", Throttled, "rate_limited"},
		{"503 that asks for no wait", 503, "Retry-After: 0", "", Unavailable, "http_503"},
		{"503 that speaks of the rate", 503, "", `{"message":"Please reduce your request rate: SlowDown"}`, Throttled, "rate_limited"},
		{"529", 529, "", "", Throttled, "rate_limited"},
		{"529 inside a 200", 200, "", envelopeOf(529, "x", ""), Throttled, "rate_limited"},
		{"a 403 with nothing left", 403, "X-RateLimit-Remaining: 0", envelopeOf(403, "x", ""), Throttled, "rate_limited"},
		{"a 403 that speaks of a quota", 403, "", envelopeOf(403, "Quota exceeded", ""), Throttled, "rate_limited"},
		{"a 403 with something left", 403, "X-RateLimit-Remaining: 7", envelopeOf(403, "x", ""), TenantRefused, "tenant_refused"},
		{"a 500 that speaks of the rate", 500, "", envelopeOf(500, "Request was throttled", ""), Throttled, "rate_limited"},
		{"a 400 that speaks of the rate", 400, "", envelopeOf(400, "Rate limit exceeded", ""), Throttled, "rate_limited"},
		{"a 400 that speaks of the rate in words for programs", 400, "", `{"error":"rate_limit_exceeded"}`, Throttled, "rate_limited"},
		{"a 400 that speaks of too many requests", 400, "", envelopeOf(400, "TooManyRequests", ""), Throttled, "rate_limited"},
		{"a 400 that speaks of a limit of the customer's", 400, "", envelopeOf(400, "Daily transaction limit exceeded for customer", ""), Rejected, "http_400"},
		{"a 400 that speaks of another rate", 400, "", envelopeOf(400, "Exchange rate limit exceeded", ""), Rejected, "http_400"},
		{"a 422 that speaks of a quota", 422, "", envelopeOf(422, "Customer quota exceeded", ""), Rejected, "http_422"},
		{"a success that speaks of the rate", 200, "", envelopeOf(200, "Rate limit exceeded soon", "id-1"), OK, ""},
		{"a 200 that speaks of the rate and has no session id", 200, "", envelopeOf(200, "Request limit exceeded", ""), Throttled, "rate_limited"},
		{"408", 408, "", "", Failed, "http_408"},
		{"409", 409, "", envelopeOf(409, "Conflict", ""), Failed, "http_409"},
		{"425", 425, "", "", Failed, "http_425"},
		{"499", 499, "", "", Failed, "http_499"},
		{"520", 520, "", html, Failed, "http_520"},
		{"521", 521, "", html, Unavailable, "http_521"},
		{"524", 524, "", html, Unavailable, "http_524"},
		{"526", 526, "", html, Unavailable, "http_526"},
		{"530", 530, "", html, Unavailable, "http_530"},
		{"a 400 with a number of the service's own", 400, "", envelopeOf(40001, "No", ""), Rejected, "http_400"},
		{"a problem by RFC 9457", 400, "", `{"type":"about:blank","title":"Bad Request","detail":"No"}`, Rejected, "http_400"},
		{"no session id", 200, "", envelopeOf(200, "x", ""), Failed, "no_session_id"},
		{"a session id that is none", 200, "", envelopeOf(200, "x", strings.Repeat("s", maxSessionID+1)), Failed, "session_id_malformed"},
		{"a long session id", 200, "", envelopeOf(200, "x", strings.Repeat("s", maxSessionID)), OK, ""},
		{"a blank session id", 200, "", envelopeOf(200, "x", "  "), Failed, "no_session_id"},
		{"odd parts", 200, "", `{"statusCode":"200","messages":7,"result":[]}`, Failed, "no_session_id"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if name, value, ok := strings.Cut(c.header, ": "); ok {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			a := client.Call(t.Context(), &ann)
			assert.Equal(t, c.outcome, a.Outcome)
			assert.Equal(t, c.code, a.Code)
			assert.Equal(t, c.status, a.Status)
			assert.Equal(t, c.outcome == OK, a.SessionID != "", "a session id exactly when it is a success")
			envelope := strings.Contains(c.body, "statusCode") || strings.Contains(c.body, `"result"`)
			assert.Equal(t, envelope && c.outcome != NotTheAPI, a.Recognised)
		})
	}
}

func TestARedirectIsNeverFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var reached atomic.Int64
		target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.URL, status)
		})
		a := client.Call(t.Context(), &ann)
		assert.Equal(t, NotTheAPI, a.Outcome)
		assert.Zero(t, reached.Load(), "status %d", status)
		target.Close()
	}
}

func TestABrokenExchangeIsInDoubtOrNotSent(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	assert.Equal(t, Unreachable, clientOf(t, closed.URL).Call(t.Context(), &ann).Outcome)

	raw := func(answer string) *Client {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { ln.Close() })
		go func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, answer)
				conn.Close()
			}
		}()
		return clientOf(t, "http://"+ln.Addr().String())
	}
	for name, answer := range map[string]string{
		"closed at once":   "",
		"cut in the head":  "HTTP/1.1 200 OK\r\nContent-",
		"cut in the body":  "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"statusCode\"",
		"no final chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"sta\r\n",
		"not HTTP":         "hello",
		"endless header":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 100<<10),
		"broken gzip body": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
	} {
		assert.Equal(t, InDoubt, raw(answer).Call(t.Context(), &ann).Outcome, name)
	}
	assert.Equal(t, Throttled, raw("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 500\r\n\r\n{").Call(t.Context(), &ann).Outcome)
}

func TestAHungServiceTimesOutAndAStoppedRunDoesNot(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	})
	client.timeout = 50 * time.Millisecond
	a := client.Call(t.Context(), &ann)
	assert.Equal(t, InDoubt, a.Outcome)
	assert.Equal(t, "timeout", a.Code)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, Cancelled, client.Call(ctx, &ann).Outcome)
}

func TestABodyThatTricklesTimesOutToo(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	client.timeout = 50 * time.Millisecond
	assert.Equal(t, "timeout", client.Call(t.Context(), &ann).Code)
}

func TestAnAnswerIsReadToOneMebibyteAndNoFurther(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	assert.Equal(t, "answer_too_large", plain.Call(t.Context(), &ann).Code)

	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 50<<20))
	require.NoError(t, z.Close())
	packed := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	assert.Equal(t, "answer_too_large", packed.Call(t.Context(), &ann).Code)
}

func TestAnAnswerThatIsPackedUnaskedIsRead(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "identity", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "GZIP")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, envelopeOf(200, "x", "id"))
		_ = z.Close()
	})
	assert.Equal(t, "id", client.Call(t.Context(), &ann).SessionID)
}

func TestAnUnknownCertificateIsRefusedBeforeAnythingIsSent(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	a := clientOf(t, server.URL).Call(t.Context(), &ann)
	assert.Equal(t, TLSRefused, a.Outcome)
	assert.Zero(t, calls.Load())
}

func TestConnectionsAreReusedAtFullConcurrency(t *testing.T) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, envelopeOf(200, "x", "id"))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := clientOf(t, server.URL)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 20 {
				assert.Equal(t, OK, client.Call(t.Context(), &ann).Outcome)
			}
		})
	}
	wg.Wait()
	// net/http may dial for a call that then gets a connection that came free.
	assert.Less(t, opened.Load(), int64(100), "for 1,280 calls")
}

func TestTheBodyIsWhatTheGuideAsksFor(t *testing.T) {
	cases := []struct {
		name    string
		request source.Customer
		want    string
	}{
		{"an individual", ann, `{"appId":"app","appSecret":"S","tenantId":"tenant","formId":"f","customerType":"Individual","customerEmail":"ann@example.com","individual":{"firstName":"Ann","lastName":"Lee"}}`},
		{"everything optional", source.Customer{
			FormID: "f", Type: "LegalEntity", Email: "b@example.com", MobileNumber: "+971", EmployeeID: "e", ClientID: "c", SendEmail: "false",
			FullName: `Müller & "Söhne" <GmbH>`, RegistrationNumber: "1\n2", TradingName: "متجر",
		}, `{"appId":"app","appSecret":"S","tenantId":"tenant","formId":"f","customerType":"LegalEntity","customerEmail":"b@example.com","customerMobileNumber":"+971","employeeId":"e","clientId":"c","sendEmail":false,"company":{"fullName":"Müller & \"Söhne\" <GmbH>","registrationNumber":"1\u000a2","tradingName":"متجر"}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := bodyOf(&c.request, nil, prefixOf("app", "S", "tenant"))
			assert.Equal(t, c.want, string(body))
			assert.True(t, json.Valid(body))
		})
	}
}

func TestTheSecretIsPrintedNowhere(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		echo, _ := json.Marshal(string(body) + " and " + canary)
		fmt.Fprintf(w, `{"statusCode":400,"messages":[%s],"result":null}`, echo)
	})
	a := client.Call(t.Context(), &ann)
	config := Config{BaseURL: "https://x.example", AppSecret: canary}
	encoded, err := json.Marshal(config)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", config, "secret", config.AppSecret)
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprintf("%v %+v %#v %s %q", config, config, config, config.AppSecret, config.AppSecret),
		fmt.Sprintf("%+v %#v", *client, *client), string(encoded), log.String(),
	} {
		assert.NotContains(t, text, "canary", text)
	}
	assert.NotContains(t, a.Message, "ann@example.com")
}

func TestABaseURLIsHTTPSOrThisMachine(t *testing.T) {
	for _, good := range []string{"https://auth.example.com", "https://auth.example.com/base/", "http://127.0.0.1:8080", "http://localhost:1", "http://LOCALHOST:1", "http://[::1]:1", "http://[::ffff:127.0.0.1]:1"} {
		assert.NoError(t, ValidateBaseURL(good), good)
	}
	for _, bad := range []string{"", "auth.example.com", "http://auth.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://localhost.:1", "http://0.0.0.0:1", "http://127.1:1", "http://2130706433:1",
		"http://[::1%25lo]:1", "http://[::]:1", "http://[::ffff:10.0.0.1]:1", "ftp://x", "https://u:p@x", "https://x?y=1", "https://x#y", "https://x/api/AppSessionManager/GetSessionId"} {
		assert.Error(t, ValidateBaseURL(bad), bad)
	}
}

func TestASessionIDIsTakenAsItIsOrNotAtAll(t *testing.T) {
	cases := []struct{ name, secret, id, code string }{
		{"a short secret that is in it by chance", "1b08", "1b08348e-f8e2", ""},
		{"the secret, echoed", "long-enough", "x-long-enough-y", "secret_in_session_id"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, envelopeOf(200, "ok", c.id))
			}))
			t.Cleanup(server.Close)
			client, err := New(Config{BaseURL: server.URL, AppSecret: Secret(c.secret), Timeout: 5 * time.Second, MaxInFlight: 1})
			require.NoError(t, err)
			t.Cleanup(client.CloseIdle)
			a := client.Call(t.Context(), &ann)
			assert.Equal(t, c.code, a.Code)
			if c.code == "" {
				assert.Equal(t, c.id, a.SessionID)
				return
			}
			assert.Equal(t, Failed, a.Outcome)
			assert.Empty(t, a.SessionID)
			assert.NotContains(t, a.Message, c.secret)
		})
	}
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
			client.timeout = 50 * time.Millisecond
			assert.Equal(t, "timeout", client.Call(t.Context(), &long).Code, "HTTP/%d", major)
			client.timeout = 5 * time.Second
		}
		close(hung)
		client.CloseIdle()
		server.Close()
	}
}
