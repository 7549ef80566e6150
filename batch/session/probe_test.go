package session

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vendor is a service with GetAppToken, which counts what names a customer.
type vendor struct {
	customers, tokens atomic.Int64
	below             string        // path of the API
	off               time.Duration // of its clock
	none              bool          // it has no GetAppToken
	answer            string        // in place of a token
	status            int
}

const canaryToken = "eyJhbGciOiJub25lIn0.canary-token-0815.x"

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(v.off).UTC().Format(http.TimeFormat))
	var body struct{ AppID, AppSecret, TenantID string }
	b, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(b, &body)
	switch {
	case r.URL.Path == v.below+path:
		v.customers.Add(1)
	case r.URL.Path != v.below+appPath || v.none:
		http.NotFound(w, r)
		return
	default:
		v.tokens.Add(1)
	}
	status, message, result := 200, "Processed successfully", `{"token":"`+canaryToken+`"}`
	switch {
	case v.answer != "":
		w.WriteHeader(v.status)
		_, _ = io.WriteString(w, v.answer)
		return
	case body.AppID == "" || body.AppSecret == "":
		status, message, result = 400, "Invalid AppId or AppSecret", "null"
	case body.AppSecret != canary:
		status, message, result = 401, "Invalid credentials: "+body.AppSecret, "null"
	case body.TenantID != "tenant":
		status, message, result = 403, "Unauthorized tenant", "null"
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"statusCode": status, "messages": []string{message}, "result": json.RawMessage(result)})
}

// certificate makes one, and a pool that trusts it.
func certificate(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Vendor CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// overTLS serves with a certificate, and gives what a client is made from.
func overTLS(t *testing.T, h http.Handler, change func(*x509.Certificate), configure func(*tls.Config)) Config {
	pair, pool := certificate(t, change)
	server := httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = nil
	configure(server.TLS)
	server.StartTLS()
	t.Cleanup(server.Close)
	return Config{BaseURL: server.URL, Authorities: pool}
}

func asItIs(*x509.Certificate) {}
func standard(*tls.Config)     {}

// nameServer answers every question that there is no such name.
func nameServer(t *testing.T) {
	at, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b := make([]byte, 512)
		for {
			n, from, err := at.ReadFrom(b)
			if err != nil {
				return
			}
			b[2], b[3] = 0x81, 0x83 // an answer: NXDOMAIN
			b[11] = 0               // and no additional records
			end := 12
			for b[end] != 0 {
				end++
			}
			_, _ = at.WriteTo(b[:min(n, end+5)], from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", at.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = at.Close()
		<-ended
	})
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	return ln.Addr().String()
}

func TestAProbeSaysWhichStepOfTheWayIsWrong(t *testing.T) {
	nameServer(t)
	plain := func(t *testing.T, h http.Handler) Config {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return Config{BaseURL: server.URL}
	}
	cases := []struct {
		name   string
		make   func(t *testing.T, v *vendor) Config
		step   string
		result Result
		fault  Fault
		text   string
		next   string
	}{
		{"no host", func(*testing.T, *vendor) Config { return Config{BaseURL: "https://auth.nowhere.example"} },
			"name", StepFailed, FaultSetUp, "there is no host auth.nowhere.example", "check --base-url"},
		{"no route", func(t *testing.T, _ *vendor) Config { return Config{BaseURL: "https://" + closedPort(t)} },
			"route", StepFailed, FaultUnreachable, "refuses connections", "check the port of --base-url"},
		{"a plain port", func(t *testing.T, v *vendor) Config {
			c := plain(t, v)
			c.BaseURL = strings.Replace(c.BaseURL, "http:", "https:", 1)
			return c
		}, "tls", StepFailed, FaultSetUp, "speaks plain http, not TLS", "check the port"},
		{"an expired certificate", func(t *testing.T, v *vendor) Config {
			return overTLS(t, v, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-24 * time.Hour) }, standard)
		}, "tls", StepFailed, FaultSetUp, "the certificate expired on 20", "check the clock of this machine"},
		{"a certificate that is not valid yet", func(t *testing.T, v *vendor) Config {
			return overTLS(t, v, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(24 * time.Hour) }, standard)
		}, "tls", StepFailed, FaultSetUp, "valid from", "check the clock of this machine"},
		{"a wrong name", func(t *testing.T, v *vendor) Config {
			return overTLS(t, v, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} }, standard)
		}, "tls", StepFailed, FaultSetUp, "the certificate is for other.example, not for 127.0.0.1", "check --base-url"},
		{"an unknown authority", func(t *testing.T, v *vendor) Config {
			c := overTLS(t, v, asItIs, standard)
			c.Authorities = x509.NewCertPool()
			return c
		}, "tls", StepFailed, FaultSetUp, "an authority that this machine does not trust (Vendor CA)", "--ca-file"},
		{"an old version of TLS", func(t *testing.T, v *vendor) Config {
			return overTLS(t, v, asItIs, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11; c.MinVersion = tls.VersionTLS10 })
		}, "tls", StepFailed, FaultSetUp, "speaks no TLS 1.2 or later", "has to be updated"},
		{"a client certificate that is asked for", func(t *testing.T, v *vendor) Config {
			return overTLS(t, v, asItIs, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
		}, "tls", StepFailed, FaultSetUp, "the service refuses this client", "--client-cert-file"},
		{"a wrong secret", func(t *testing.T, v *vendor) Config {
			c := plain(t, v)
			c.AppSecret = "another secret of some length"
			return c
		}, "token", StepFailed, FaultRefused, "the credentials were refused", "check --app-id and the app secret"},
		{"a wrong tenant", func(t *testing.T, v *vendor) Config {
			c := plain(t, v)
			c.TenantID = "other"
			return c
		}, "token", StepFailed, FaultRefused, `the tenant was refused (the service said: "Unauthorized tenant")`, "check --tenant-id"},
		{"a wrong path", func(t *testing.T, v *vendor) Config {
			c := plain(t, v)
			c.BaseURL += "/api/v1"
			return c
		}, "token", StepFailed, FaultSetUp, "the service does not answer below http://127.0.0.1", "use --base-url http://127.0.0.1"},
		{"a path too many below the right one", func(t *testing.T, v *vendor) Config {
			v.below = "/kyc"
			c := plain(t, v)
			c.BaseURL += "/kyc/v1"
			return c
		}, "token", StepFailed, FaultSetUp, "the service does not answer", "/kyc"},
		{"a clock that is off by an hour", func(t *testing.T, v *vendor) Config {
			v.off = time.Hour
			return plain(t, v)
		}, "clock", StepFailed, FaultSetUp, "this machine is 1h0m0s behind the service's clock", "set the clock"},
		{"a clock that is off by a minute", func(t *testing.T, v *vendor) Config {
			v.off = -time.Minute
			return plain(t, v)
		}, "clock", StepWarning, FaultNone, "ahead of the service's clock", "set the clock"},
		{"no endpoint", func(t *testing.T, v *vendor) Config {
			v.none = true
			return plain(t, v)
		}, "token", StepWarning, FaultNone, "the service has no GetAppToken (HTTP 404)", "--max-calls 1"},
		{"a redirect", func(t *testing.T, v *vendor) Config {
			return plain(t, http.RedirectHandler("https://elsewhere.example/"+canary, http.StatusTemporaryRedirect))
		}, "token", StepFailed, FaultSetUp, "no redirect is followed", "correct --base-url"},
		{"a page", func(t *testing.T, v *vendor) Config {
			v.status, v.answer = 200, "<html>Welcome</html>"
			return plain(t, v)
		}, "token", StepFailed, FaultSetUp, "not the service: not_json", "check --base-url"},
		{"a success without a token", func(t *testing.T, v *vendor) Config {
			v.status, v.answer = 200, `{"statusCode":200,"messages":["fine"],"result":{"token":" "}}`
			return plain(t, v)
		}, "token", StepFailed, FaultSetUp, "no_token", "check --base-url"},
		{"a gateway without a service", func(t *testing.T, v *vendor) Config {
			v.status, v.answer = 502, "<html>Bad Gateway</html>"
			return plain(t, v)
		}, "token", StepFailed, FaultUnreachable, "http_502", "check again later"},
		{"too many calls", func(t *testing.T, v *vendor) Config {
			v.status, v.answer = 429, `{"statusCode":429,"messages":["Too many requests"]}`
			return plain(t, v)
		}, "token", StepFailed, FaultUnreachable, "asks for fewer calls", "check again later"},
		{"a certificate that ends soon", func(t *testing.T, v *vendor) Config {
			return overTLS(t, v, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(72 * time.Hour) }, standard)
		}, "tls", StepWarning, FaultNone, "valid until 20", "tell the operator of the service"},
		{"nothing", func(t *testing.T, v *vendor) Config { return overTLS(t, v, asItIs, standard) },
			"token", StepOK, FaultNone, "the service accepts app id, app secret and tenant", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := &vendor{}
			findings := probeOf(t, c.make(t, v))
			assert.Zero(t, v.customers.Load(), "a customer was called")
			require.Equal(t, []string{"name", "route", "tls", "clock", "token"}, stepsOf(findings))
			for _, f := range findings {
				if f.Step != c.step {
					assert.NotEqual(t, StepFailed, f.Result, "%s: %s", f.Step, f.Text)
					assert.NotEqual(t, StepWarning, f.Result, "%s: %s", f.Step, f.Text)
					continue
				}
				assert.Equal(t, []any{c.result, c.fault}, []any{f.Result, f.Fault}, f.Text)
				assert.Contains(t, f.Text, c.text)
				assert.Contains(t, f.Next, c.next)
			}
		})
	}
}

// probeOf probes, within the time that somebody waits, and shows nothing that is
// secret.
func probeOf(t *testing.T, c Config) []Finding {
	c.AppID, c.Timeout, c.MaxInFlight = "app", 5*time.Second, 4
	if c.AppSecret == "" {
		c.AppSecret = canary
	}
	if c.TenantID == "" {
		c.TenantID = "tenant"
	}
	client, err := New(c)
	require.NoError(t, err)
	defer client.CloseIdle()
	start := time.Now()
	findings := client.Probe(t.Context())
	assert.Less(t, time.Since(start), 5*time.Second)
	for _, f := range findings {
		assert.NotContains(t, f.Text+f.Next, c.AppSecret.Reveal())
		assert.NotContains(t, f.Text+f.Next, canaryToken)
	}
	return findings
}

func stepsOf(findings []Finding) (steps []string) {
	for _, f := range findings {
		steps = append(steps, f.Step)
	}
	return steps
}

func TestAProbeTellsTheWordsOfARefusalWithoutTheToken(t *testing.T) {
	v := &vendor{status: 400, answer: `{"statusCode":401,"messages":["no use for ` + canaryToken + `"],"result":{"token":"` + canaryToken + `"}}`}
	server := httptest.NewServer(v)
	defer server.Close()
	findings := probeOf(t, Config{BaseURL: server.URL})
	assert.Contains(t, findings[4].Text, `the service said: "credentials_refused"`)
}

func TestAProbeDoesNotRepeatASecretThatACertificateHas(t *testing.T) {
	ascii := strings.TrimRight(canary, "é") // as such names are
	echo := func(c *x509.Certificate) { c.Subject.CommonName = "CA of " + canary }
	elsewhere := func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{ascii + ".example"} }
	trusted := overTLS(t, new(vendor), echo, standard)
	unknown := trusted
	unknown.Authorities = nil
	for name, c := range map[string]Config{"trusted": trusted, "unknown": unknown, "for another name": overTLS(t, new(vendor), elsewhere, standard)} {
		f := probeOf(t, c)[2]
		assert.Contains(t, f.Text, redacted, name)
		assert.NotContains(t, f.Text, ascii, name)
	}
}

// silent is a way to a service that goes so far and no further.
type silent struct{ goes func(*httptrace.ClientTrace) }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.goes(httptrace.ContextClientTrace(r.Context()))
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestAProbeThatIsNotAnsweredSaysWhereAndEnds(t *testing.T) {
	for _, c := range []struct {
		step, text string
		goes       func(*httptrace.ClientTrace)
		after      time.Duration
	}{
		{"name", "the name servers do not tell the address of auth.example.com", func(t *httptrace.ClientTrace) { t.DNSStart(httptrace.DNSStartInfo{}) }, connectWithin},
		{"route", "no connection to 192.0.2.1:443 within 4s", func(t *httptrace.ClientTrace) { t.ConnectStart("tcp", "192.0.2.1:443") }, connectWithin},
		{"tls", "the TLS handshake broke off: no answer within 4s", func(t *httptrace.ClientTrace) { t.TLSHandshakeStart() }, connectWithin},
		{"token", "no answer within the time for one attempt", func(t *httptrace.ClientTrace) { t.GotConn(httptrace.GotConnInfo{}) }, 30 * time.Second},
	} {
		t.Run(c.step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := New(Config{BaseURL: "https://auth.example.com", AppSecret: canary, Timeout: 30 * time.Second, Transport: silent{c.goes}})
				require.NoError(t, err)
				start := time.Now()
				findings := client.Probe(t.Context())
				assert.Equal(t, c.after, time.Since(start))
				for _, f := range findings {
					if f.Step == c.step {
						assert.Equal(t, []any{StepFailed, FaultUnreachable}, []any{f.Result, f.Fault})
						assert.Contains(t, f.Text, c.text)
					} else {
						assert.NotEqual(t, StepFailed, f.Result, f.Text)
					}
				}
			})
		})
	}
}

func TestOtherPathsOfTheHostAreNotToldTheSecret(t *testing.T) {
	paths := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		paths[r.URL.Path] = string(b)
		http.NotFound(w, r)
	}))
	defer server.Close()
	findings := probeOf(t, Config{BaseURL: server.URL + "/a/b"})
	assert.Equal(t, StepWarning, findings[4].Result)
	const nobody = `{"appId":"","appSecret":"","tenantId":""}`
	assert.Contains(t, paths["/a/b"+appPath], `"appId":"app"`)
	delete(paths, "/a/b"+appPath)
	assert.Equal(t, map[string]string{"/a" + appPath: nobody, appPath: nobody}, paths)
}

func TestAProbeGoesThroughTheProxyThatCallsGoThrough(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer proxy.Close()
	address := strings.TrimPrefix(proxy.URL, "http://")
	client := clientOf(t, "https://auth.example.com")
	client.pool.dialer.via = &url.URL{Scheme: "http", Host: address, User: url.UserPassword("user", "pass")}
	findings := client.Probe(t.Context())
	assert.Equal(t, "127.0.0.1 is an address (the proxy; it resolves the name of the service)", findings[0].Text)
	assert.Equal(t, []any{StepFailed, FaultSetUp}, []any{findings[1].Result, findings[1].Fault})
	assert.Equal(t, "the proxy "+address+" refuses the way to the service: HTTP 403", findings[1].Text)
	assert.Contains(t, findings[1].Next, "--no-proxy-env")
	assert.Equal(t, StepSkipped, findings[4].Result)
}
