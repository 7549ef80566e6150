// Package session talks to the GetSessionId endpoint: the request for one
// customer, and what each reply to it means.
package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bulkonboard/source"
)

// path is the endpoint below the base URL, by the guide.
const path = "/api/AppSessionManager/GetSessionId"

// Config is what a client is made from.
type Config struct {
	BaseURL     string // without the endpoint's path
	AppID       string
	AppSecret   Secret
	TenantID    string
	Timeout     time.Duration // of one attempt, the whole exchange
	MaxInFlight int           // calls at once
	UserAgent   string

	// Authorities vouch for the service's certificate; nil: those of the
	// system do.
	Authorities *x509.CertPool

	// Renew gives the secret that holds now, after the service has refused the
	// secret in use; nil when there is no other to be had. It is called by one
	// goroutine at a time.
	Renew func(ctx context.Context) (Secret, error) `json:"-"`

	// Certificate is shown to a service that asks for one; nil for none. It is
	// called for every connection.
	Certificate func() (*tls.Certificate, error) `json:"-"`

	// NoProxy goes straight to the service, whatever the environment says.
	NoProxy bool

	// Transport makes all calls, in place of own connections; for tests.
	Transport http.RoundTripper
}

// Client calls the endpoint. It is safe for concurrent use.
type Client struct {
	endpoint *endpoint // of the calls
	timeout  time.Duration
	access   *access

	// transport makes the calls over HTTP/2, and pool those over HTTP/1.1. There is no
	// http.Client around them, which would add cookies and redirects: neither is
	// wanted. The body holds the app secret, and 307 and 308 would send it on.
	transport http.RoundTripper // nil: the service cannot speak HTTP/2
	pool      *pool             // nil: the transport makes all calls
	turns     *turns            // nil: no call waits for a connection
}

// Format implements fmt.Formatter: the fields hold the secret in many forms.
func (c Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session.Client("+c.endpoint.template.URL.String()+")")
}

// ValidateBaseURL says what is wrong with a base URL: it must be https, or
// http to this very machine, and name nothing but a host and a path. The
// request carries the app secret.
func ValidateBaseURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return errors.New("not a valid URL; example: https://auth.example.com")
	case u.User != nil:
		return errors.New("a base URL has no user name and no password; leave out what stands before the @")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("a base URL has no query and no fragment; leave out what follows ? or #")
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), path):
		return errors.New("leave out " + path + ": it is added")
	case u.Scheme == "http" && !ThisMachine(u.Hostname()):
		return errors.New("plain http would show the app secret to the network; use https (http is for this machine only)")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("scheme %q is not supported; use https", u.Scheme)
	}
	return nil
}

// New returns a client. It opens no connection.
func New(c Config) (*Client, error) {
	if err := ValidateBaseURL(c.BaseURL); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	endpoint, err := endpointOf(&c)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	client := &Client{endpoint: endpoint, timeout: c.Timeout, access: newAccess(&c), transport: c.Transport}
	if c.Transport != nil {
		return client, nil
	}
	dialer, err := c.route(endpoint.template)
	if err != nil {
		return nil, err
	}
	client.pool = &pool{dialer: dialer}
	if dialer.tls != nil {
		client.turns = newTurns()
		client.transport = newTransport(client.pool, client.turns, c.MaxInFlight)
	}
	return client, nil
}

func endpointOf(c *Config) (*endpoint, error) {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	header.Set("Accept-Encoding", "identity") // without it any coding will do (RFC 9110 section 12.5.3); see readAnswer
	if c.UserAgent != "" {
		header.Set("User-Agent", c.UserAgent)
	}
	return newEndpoint(strings.TrimRight(c.BaseURL, "/")+path, header)
}

// CloseIdle closes the connections that no call is using.
func (c *Client) CloseIdle() {
	if c.pool != nil {
		c.pool.closeIdle()
	}
	if t, ok := c.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// Call sends one attempt, and one more where the credentials were refused and
// others could be had. Whatever happens is in the reply. When ctx ends first,
// the outcome is Cancelled.
func (c *Client) Call(ctx context.Context, r *source.Customer) Reply {
	if c.access.wait(ctx) && !paced(ctx) {
		return cancelled()
	}
	with := c.access.current.Load()
	reply := c.attempt(ctx, r, with)
	if reply.Outcome != CredentialsRefused {
		return reply
	}
	fresh := c.access.renewed(ctx, with)
	switch {
	case fresh == with:
		return reply
	case !paced(ctx):
		return cancelled()
	}
	return c.attempt(ctx, r, fresh)
}

// attempt sends a request and waits for its answer. What it waits for its turn is
// neither of its time nor of the service's.
func (c *Client) attempt(ctx context.Context, r *source.Customer, with *credentials) Reply {
	turn, late := c.turns.take(ctx)
	defer turn.end()
	if late && !paced(ctx) {
		return cancelled()
	}
	start := time.Now()
	e, header, err := c.send(turn.watch(ctx), start.Add(c.timeout), c.endpoint, bodyOf(r, make([]byte, 0, 512), with.prefix))
	var a Reply
	if err != nil {
		a = failure(ctx, err)
		a.Message = with.clean(a.Message, withoutCustomer(fold(a.Message), r), a.Code)
	} else {
		a = with.replyOf(&e, header, r, start)
	}
	a.Latency = time.Since(start)
	return a
}

// replyOf says what a reply means for a customer. Words that are the customer's
// own say nothing about the service, so they are cut out before: a name is
// not a refusal of the credentials.
func (c *credentials) replyOf(e *envelope, h http.Header, r *source.Customer, now time.Time) Reply {
	raw := e.words
	e.words = withoutCustomer(fold(raw), r)
	a := judge(e, h, now)
	if a.Outcome == OK && c.inSessionID(a.SessionID) {
		return Reply{Outcome: Failed, Status: a.Status, Recognised: true, Code: "secret_in_session_id", Message: "the service answered with the app secret inside the session id"}
	}
	a.Message = c.clean(raw, words(&a, e), a.Code)
	a.OddRetryAfter = c.clean(a.OddRetryAfter, withoutCustomer(fold(a.OddRetryAfter), r), redacted)
	return a
}

// words say why a call failed: in the server's own words, where it had any.
func words(a *Reply, r *envelope) string {
	switch {
	case a.Outcome == OK:
		return ""
	case a.Code == "session_id_malformed":
		return "what the service gave for a session id " + r.malformed
	case a.Code == "no_session_id" && r.words != "":
		return "the answer has no session id; the service said: " + r.words
	case a.Code == "no_session_id":
		return "the answer has no session id"
	case a.Code == "invalid_request":
		return r.words + " (the service saw no request body: please report this as a bug of bulkonboard)"
	case r.words != "":
		return r.words
	case !r.json:
		return fmt.Sprintf("HTTP %d without the API's envelope", r.status)
	}
	return fmt.Sprintf("HTTP %d, statusCode %d, without a message", r.status, r.code)
}

// send makes a call, which has its time until then.
func (c *Client) send(ctx context.Context, until time.Time, to *endpoint, text []byte) (envelope, http.Header, error) {
	response, err := c.roundTrip(ctx, until, to, text)
	if err != nil {
		return envelope{}, nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode == http.StatusSwitchingProtocols {
		// What follows is no body, and reading it ends with the connection alone.
		return envelope{status: response.StatusCode}, response.Header, nil
	}
	in := readers.Get().(*reader)
	defer in.giveBack()
	if err := in.read(response); err != nil {
		// The status still tells a throttled or refused call from one in doubt.
		if response.StatusCode != http.StatusOK && ctx.Err() == nil && time.Now().Before(until) {
			return envelope{status: response.StatusCode}, response.Header, nil
		}
		return envelope{}, nil, &bodyError{err}
	}
	return in.parse(response.StatusCode), response.Header, nil
}

// roundTrip sends a request, over HTTP/2 unless the service is known, or turns out,
// to speak HTTP/1.1.
func (c *Client) roundTrip(ctx context.Context, until time.Time, to *endpoint, text []byte) (*http.Response, error) {
	if c.pool == nil || c.turns.http2() {
		within, cancel := context.WithDeadline(ctx, until)
		response, err := c.transport.RoundTrip(to.posting(within, text))
		if err == nil {
			response.Body = &timed{response.Body, cancel}
			return response, nil
		}
		cancel()
		if !errors.Is(err, errHTTP1) {
			return nil, err
		}
	}
	return c.pool.roundTrip(ctx, until, to, text)
}

// timed is the body of a response whose time ends when it is closed.
type timed struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (t *timed) Close() error {
	defer t.cancel()
	return t.ReadCloser.Close()
}
