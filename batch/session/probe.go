package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Finding is what Probe has found out about one step of the way to the service.
// Its texts are safe to show.
type Finding struct {
	Step   string // name, route, tls, clock, token
	Result Result
	Fault  Fault  // of a step that failed
	Text   string // what was found
	Next   string // what to do about it; empty when there is nothing
}

// Result says how a step went.
type Result string

// The results of a step.
const (
	StepOK      Result = "ok"
	StepWarning Result = "warning"
	StepFailed  Result = "failed"
	StepSkipped Result = "skipped" // a step before it failed, or it does not apply
)

// Fault says who can help.
type Fault int

// The faults.
const (
	FaultNone        Fault = iota
	FaultSetUp             // a setting, a certificate or a clock is wrong
	FaultUnreachable       // the service or the network may be back later
	FaultRefused           // app id, secret or tenant are wrong
)

const (
	// connectWithin is how long a probe waits for a connection, TLS included. It
	// is shorter than a run's, as somebody is waiting.
	connectWithin = 4 * time.Second

	// A clock that is off by clockWarns is worth a word; off by clockFails, the
	// times of results and the expiry of session ids and certificates are wrong.
	clockWarns = 30 * time.Second
	clockFails = 5 * time.Minute

	// certificateWarns is how long before its end a certificate is worth a word.
	certificateWarns = 14 * 24 * time.Hour
)

// errSlow ends a probe whose connection takes too long.
var errSlow = errors.New("no connection in time")

// Probe looks at the way to the service step by step, as a call would take it,
// and asks GetAppToken whether the credentials and the tenant are right. It sends
// nothing that names a customer. The steps after one that failed are skipped.
func (c *Client) Probe(ctx context.Context) []Finding {
	p := &probe{client: c, with: c.access.current.Load(), base: strings.TrimSuffix(c.endpoint.template.URL.String(), path), seen: &sightings{}}
	reply, header, err := p.ask(ctx)
	findings := []Finding{p.name(err), p.route(err), p.tls(err), p.clock(header, reply.Latency), {Step: "token"}}
	if err == nil || !p.placed(findings) {
		findings[4] = p.token(ctx, &reply)
	}
	after := false
	for i := range findings {
		f := &findings[i]
		if after {
			*f = Finding{Step: f.Step, Result: StepSkipped, Text: "not reached"}
		}
		after = after || f.Result == StepFailed && f.Step != "clock"
		f.Text, f.Next = fold(f.Text), fold(f.Next)
	}
	return findings
}

// probe is one Probe under way.
type probe struct {
	client *Client
	with   *credentials
	base   string
	seen   *sightings
}

// ask asks for a token. The error is that of an exchange without a reply.
func (p *probe) ask(ctx context.Context) (Reply, http.Header, error) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(connectWithin, func() { cancel(errSlow) })
	defer timer.Stop()
	traced := p.seen.watch(within, func() { timer.Reset(p.client.timeout) })
	start := time.Now()
	reply, header, err := p.client.askToken(traced, p.base, p.with)
	switch {
	case err == nil || ctx.Err() != nil || !errors.Is(context.Cause(within), errSlow):
	case p.seen.established():
		err = context.DeadlineExceeded
		reply = failure(ctx, err)
	default:
		err = errSlow
	}
	reply.Latency = time.Since(start)
	return reply, header, err
}

// placed reports that a step before the token has failed.
func (p *probe) placed(findings []Finding) bool {
	for _, f := range findings {
		if f.Result == StepFailed && f.Step != "clock" {
			return true
		}
	}
	return false
}

func (p *probe) host() string { return p.client.endpoint.template.URL.Hostname() }

// name says what the name of the service, or of the proxy, leads to.
func (p *probe) name(err error) Finding {
	f := Finding{Step: "name", Result: StepOK}
	host, flag := p.host(), "--base-url"
	if p.client.Proxy() != "" {
		host, flag = hostOf(p.client.Proxy()), "HTTPS_PROXY"
	}
	var dns *net.DNSError
	addresses := p.seen.addresses()
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return f.failed(FaultSetUp, fmt.Sprintf("there is no host %s", host), fmt.Sprintf("check %s for a slip, and the name servers of this machine", flag))
	case errors.As(err, &dns), errors.Is(err, errSlow) && p.seen.resolving():
		return f.failed(FaultUnreachable, fmt.Sprintf("the name servers do not tell the address of %s", host), "check the network and the name servers of this machine, then check again")
	case len(addresses) > 0:
		f.Text = host + " is " + strings.Join(addresses, ", ")
	default:
		f.Text = host + " is an address"
	}
	if p.client.Proxy() != "" {
		f.Text += " (the proxy; it resolves the name of the service)"
	}
	return f
}

// route says which way calls take, and where it ends.
func (p *probe) route(err error) Finding {
	f := Finding{Step: "route", Result: StepOK, Text: "straight to " + p.seen.connected()}
	to := p.seen.target()
	if p.client.Proxy() != "" {
		f.Text = fmt.Sprintf("through the proxy %s, by the environment (--no-proxy-env goes without)", p.client.Proxy())
		to = "the proxy " + p.client.Proxy()
	}
	var via *proxyError
	var op *net.OpError
	code := codeOf(err)
	switch {
	case err == nil:
		return f
	case code == "not_this_machine":
		return f.failed(FaultSetUp, failure(context.Background(), err).Message, "check --base-url, and what /etc/hosts and the name servers say of it")
	case errors.As(err, &via):
		return p.refusedByProxy(f, via.status)
	case errors.Is(err, errSlow) && !p.seen.greeting() && !p.seen.resolving():
		return f.failed(FaultUnreachable, fmt.Sprintf("no connection to %s within %s", to, connectWithin), "check the port of --base-url, the network, the firewall, and whether a proxy is needed (HTTPS_PROXY)")
	case code == "connection_refused":
		return f.failed(FaultUnreachable, to+" refuses connections", "check the port of --base-url, and that the service is running")
	case code == "connection_failed" && errors.As(err, &op):
		return f.failed(FaultUnreachable, fmt.Sprintf("no connection to %s: %s", to, reasonOf(op)), "check the network, the firewall, and whether a proxy is needed (HTTPS_PROXY)")
	}
	return f
}

func (p *probe) refusedByProxy(f Finding, status int) Finding {
	text := fmt.Sprintf("the proxy %s refuses the way to the service: HTTP %d", p.client.Proxy(), status)
	switch {
	case status == http.StatusProxyAuthRequired:
		return f.failed(FaultSetUp, text, "correct the user and password of the proxy in HTTPS_PROXY")
	case status >= 500:
		return f.failed(FaultUnreachable, text, "ask who runs the proxy whether it reaches the service, then check again")
	}
	return f.failed(FaultSetUp, text, "have the proxy opened for "+p.client.endpoint.template.URL.Host+", or go without it: --no-proxy-env")
}

// clock compares this machine's clock with the Date of a reply, which is cut
// off to the second and was written while the exchange lasted.
func (p *probe) clock(h http.Header, took time.Duration) Finding {
	f := Finding{Step: "clock", Result: StepSkipped, Text: "the service does not say its time"}
	date, err := http.ParseTime(header(h, "Date"))
	if err != nil {
		return f
	}
	off := time.Since(date.Add(time.Second/2)) - took/2
	f.Result, f.Text = StepOK, "within seconds of the service's clock"
	direction := "ahead of"
	if off < 0 {
		off, direction = -off, "behind"
	}
	if off <= clockWarns {
		return f
	}
	f.Text = fmt.Sprintf("this machine is %s %s the service's clock", off.Round(time.Second), direction)
	f.Next = "set the clock of this machine (NTP), or report it to the operator of the service: the times of results, --until and the expiry of session ids depend on it"
	if f.Result = StepWarning; off > clockFails {
		return f.failed(FaultSetUp, f.Text, f.Next)
	}
	return f
}

func (f Finding) failed(fault Fault, text, next string) Finding {
	f.Result, f.Fault, f.Text, f.Next = StepFailed, fault, text, next
	return f
}

// hostOf is a host and port without the port.
func hostOf(address string) string { return (&url.URL{Host: address}).Hostname() }

// reasonOf is why a connection did not come about, without the addresses, which
// are said beside it.
func reasonOf(op *net.OpError) string {
	if op.Err == nil {
		return "no reason was given"
	}
	return strings.TrimPrefix(op.Err.Error(), "connect: ")
}

// codeOf is the code of a failure; "" without one.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	_, code := classify(err)
	return code
}
