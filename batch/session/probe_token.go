package session

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// searchWithin is how long other addresses below the same host are asked.
const searchWithin = time.Second

// token says what the service makes of the credentials.
func (p *probe) token(ctx context.Context, a *Reply) Finding {
	f := Finding{Step: "token", Result: StepOK}
	said := ""
	if a.Message != "" {
		said = fmt.Sprintf(" (the service said: %q)", a.Message)
	}
	if !a.Recognised && a.Status > 0 {
		said += "; the answer is not in the form of the API, so it may be that of a gateway"
	}
	switch {
	case a.Outcome == OK:
		f.Text = "the service accepts app id, app secret and tenant"
		return f
	case a.Outcome == CredentialsRefused:
		return f.failed(FaultRefused, "the credentials were refused"+said, "check --app-id and the app secret")
	case a.Outcome == TenantRefused:
		return f.failed(FaultRefused, "the tenant was refused"+said, "check --tenant-id, and that the app may use it")
	case a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed, a.Status == http.StatusNotImplemented:
		return p.noToken(ctx, f, a)
	case a.Code == "redirect":
		return f.failed(FaultSetUp, fmt.Sprintf("HTTP %d: the address leads elsewhere, and no redirect is followed, as it would take the secret along", a.Status), "correct --base-url: name the address that it leads to, if that is the service")
	case a.Outcome == NotTheAPI, a.Outcome == Rejected, a.Code == "no_token":
		return f.failed(FaultSetUp, "what answers is not the service: "+a.Code+said, "check --base-url")
	case a.Outcome == TLSRefused:
		return f.failed(FaultSetUp, "the service refuses this client: "+a.Message, "check --client-cert-file and --client-key-file")
	case a.Outcome == Throttled:
		return f.failed(FaultUnreachable, "the service asks for fewer calls"+said, "check again later")
	}
	return f.failed(FaultUnreachable, "the service does not answer as it should: "+a.Code+said, "check again later; if it stays so, tell the operator of the service")
}

// noToken tells a base URL with a wrong path from a service that has no such
// endpoint, which is nothing wrong. Nothing but the path says so: other addresses
// below the same host are asked without credentials.
func (p *probe) noToken(ctx context.Context, f Finding, a *Reply) Finding {
	base, err := url.Parse(p.base)
	if err != nil {
		return f.failed(FaultSetUp, "the address cannot be read", "check --base-url")
	}
	within, cancel := context.WithTimeout(ctx, searchWithin)
	defer cancel()
	for above := base.Path; above != ""; {
		above = strings.TrimRight(above[:max(0, strings.LastIndexByte(above, '/'))], "/")
		at := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: above}
		if p.answersAt(within, at.String()) {
			return f.failed(FaultSetUp, fmt.Sprintf("HTTP %d: the service does not answer below %s, but below %s", a.Status, p.base, at), "use --base-url "+at.String())
		}
	}
	f.Result = StepWarning
	f.Text = fmt.Sprintf("the service has no GetAppToken (HTTP %d), or --base-url leads elsewhere: app id, app secret and tenant are not checked", a.Status)
	f.Next = "begin with one customer: bulkonboard run --max-calls 1"
	return f
}

// answersAt reports whether the API is below a base URL of the same host. It is
// asked without credentials: another path may be another party's.
func (p *probe) answersAt(ctx context.Context, base string) bool {
	empty := &credentials{prefix: prefixOf("", "", ""), scrubbers: p.with.scrubbers}
	a, _, _ := p.client.askToken(ctx, base, empty)
	return a.Recognised
}
