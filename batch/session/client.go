// Package session talks to the GetSessionId endpoint: the request for one
// customer, and what each reply to it means.
package session

import (
	"bytes"
	"cmp"
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

	// Transport replaces the hardened default; for tests.
	Transport http.RoundTripper
}

// Client calls the endpoint. It is safe for concurrent use.
type Client struct {
	// transport is called without the http.Client around it, which would add
	// cookies and redirects: neither is wanted. The body holds the app secret,
	// and 307 and 308 would send it on.
	transport http.RoundTripper
	pool      *pool         // used in its place over HTTP/1.1; nil where all calls take the transport
	template  *http.Request // of every request; URL and header are shared and only read
	proxy     string        // host of the proxy that is used, if any
	deadlines deadlines
	turns     *turns // nil: the service cannot speak HTTP/2
	access    *access
}

// Format implements fmt.Formatter: the fields hold the secret in many forms.
func (c Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session.Client("+c.template.URL.String()+")")
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
	template, err := templateOf(&c)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	client := &Client{transport: c.Transport, template: template, deadlines: newDeadlines(c.Timeout, c.MaxInFlight), access: newAccess(&c)}
	if c.Transport != nil {
		return client, nil
	}
	transport, proxy, err := c.route(template)
	if err != nil {
		return nil, err
	}
	client.transport, client.proxy, client.pool = transport, proxy, newPool(transport, template.URL)
	if template.URL.Scheme == "https" {
		client.turns = newTurns()
	}
	return client, nil
}

// templateOf is a request without a body.
func templateOf(c *Config) (*http.Request, error) {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	header.Set("Accept-Encoding", "identity") // without it any coding will do (RFC 9110 section 12.5.3); see readAnswer
	if c.UserAgent != "" {
		header.Set("User-Agent", c.UserAgent)
	}
	return templateFor(strings.TrimRight(c.BaseURL, "/")+path, header)
}

func templateFor(endpoint string, header http.Header) (*http.Request, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint, nil)
	if err == nil {
		request.Header = header
	}
	return request, err
}

// CloseIdle closes the connections that no call is using.
func (c *Client) CloseIdle() {
	if c.pool != nil {
		c.pool.closeIdle()
	}
	c.closeUnpooled()
}

// closeUnpooled closes those of the transport alone.
func (c *Client) closeUnpooled() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
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
	within := c.deadlines.begin(ctx)
	defer c.deadlines.end(within)
	e, header, err := c.exchange(turn.watch(within), r, with)
	var a Reply
	if err != nil {
		if errors.Is(err, context.Canceled) { // not what the reply was, should time be up right after it
			err = cmp.Or(context.Cause(within), err)
		}
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

func (c *Client) exchange(ctx context.Context, r *source.Customer, with *credentials) (envelope, http.Header, error) {
	return c.send(posting(ctx, c.template, bodyOf(r, make([]byte, 0, 512), with.prefix)))
}

func (c *Client) send(request *http.Request, body *bytes.Reader) (envelope, http.Header, error) {
	response, err := c.roundTrip(request, body)
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
		if response.StatusCode != http.StatusOK && request.Context().Err() == nil {
			return envelope{status: response.StatusCode}, response.Header, nil
		}
		return envelope{}, nil, &bodyError{err}
	}
	return in.parse(response.StatusCode), response.Header, nil
}

// roundTrip sends a request. Connections of HTTP/1.1 are those of the pool; one of
// the transport, by which it was found out that the service speaks it, is closed.
func (c *Client) roundTrip(request *http.Request, body *bytes.Reader) (*http.Response, error) {
	if c.pool != nil && !c.turns.needed() {
		return c.pool.roundTrip(request, body)
	}
	response, err := c.transport.RoundTrip(request)
	if err == nil && c.pool != nil && response.ProtoMajor == 1 {
		response.Body = &lent{response.Body, c.closeUnpooled}
	}
	return response, err
}

// posting is a request with a body, which is memory of its own and never used
// again: a transport may continue reading it after the reply has come.
func posting(ctx context.Context, template *http.Request, text []byte) (*http.Request, *bytes.Reader) {
	body := bytes.NewReader(text)
	request := template.WithContext(ctx)
	request.ContentLength = int64(len(text))
	request.Body = io.NopCloser(body)
	// For a connection that turns out to be closed before anything was sent.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	return request, body
}
