package session

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// tls says what the service has shown of itself.
func (p *probe) tls(err error) Finding {
	f := Finding{Step: "tls", Result: StepOK}
	if p.client.endpoint.template.URL.Scheme == "http" {
		f.Result, f.Text = StepSkipped, "plain http, which goes to this machine only"
		return f
	}
	code := codeOf(err)
	switch {
	case code == "certificate_refused":
		return p.certificate(f, err)
	case code == "tls_refused":
		return refusedTLS(f, err)
	case code == "tls_plain_http":
		return f.failed(FaultSetUp, "the port speaks plain http, not TLS", "check the port of --base-url; https is mostly on 443")
	case code == "tls_handshake_failed":
		return f.failed(FaultSetUp, "the port does not speak TLS", "check the port of --base-url; https is mostly on 443")
	case err != nil && p.seen.greeting() && p.seen.connection() == nil:
		return f.failed(FaultUnreachable, "the TLS handshake broke off: "+brokeOff(err), "check the port of --base-url and what stands on the way to the service (firewall, proxy), then check again")
	}
	if state := p.seen.connection(); state != nil {
		return p.verified(f, state)
	}
	return f
}

// verified says what is true of a connection whose certificate was verified.
func (p *probe) verified(f Finding, state *tls.ConnectionState) Finding {
	leaf := state.PeerCertificates[0]
	ends := leaf.NotAfter
	for _, c := range state.VerifiedChains[0] {
		if c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
	}
	f.Text = fmt.Sprintf("%s, certificate issued by %s, valid until %s", tls.VersionName(state.Version), p.words(issuer(leaf)), day(ends))
	if time.Until(ends) < certificateWarns {
		f.Result, f.Next = StepWarning, "tell the operator of the service: a run after that is refused"
	}
	return f
}

// certificate says why a certificate does not verify.
func (p *probe) certificate(f Finding, err error) Finding {
	var (
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &host):
		return f.failed(FaultSetUp, fmt.Sprintf("the certificate is for %s, not for %s", p.words(namesIn(host.Certificate)), host.Host), "check --base-url, and that no other service answers at this address")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return f.failed(FaultSetUp, "the certificate is valid from "+day(invalid.Cert.NotBefore)+" only", "check the clock of this machine; if it is right, tell the operator of the service")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return f.failed(FaultSetUp, "the certificate expired on "+day(invalid.Cert.NotAfter), "tell the operator of the service; check the clock of this machine, too")
	case errors.As(err, &unknown):
		return f.failed(FaultSetUp, "the certificate is signed by an authority that this machine does not trust ("+p.words(issuer(unknown.Cert))+")",
			"if the service, or a proxy that looks into TLS, has an authority of its own, name it with --ca-file")
	}
	return f.failed(FaultSetUp, "the certificate does not verify: "+p.words(err.Error()), "tell the operator of the service")
}

// refusedTLS says what a service has against this client.
func refusedTLS(f Finding, err error) Finding {
	var alert tls.AlertError
	if errors.As(err, &alert) && alert == 70 || strings.Contains(err.Error(), "protocol version") {
		return f.failed(FaultSetUp, "the service speaks no TLS 1.2 or later", "the service has to be updated: nothing older is used, and no setting turns that off")
	}
	reason := brokeOff(err)
	if strings.Contains(reason, "certificate") {
		return f.failed(FaultSetUp, "the service refuses this client: "+reason, "check --client-cert-file and --client-key-file: the service may ask for a certificate, or for another one")
	}
	return f.failed(FaultSetUp, "the service refuses this client: "+reason, "check --base-url, and whether the service asks for a certificate (--client-cert-file)")
}

// brokeOff is why a handshake failed, without addresses.
func brokeOff(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, errSlow):
		return "no answer within " + connectWithin.String()
	case errors.As(err, &op) && op.Err != nil:
		return op.Err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	}
	return err.Error()
}

// words are those of a certificate, unless they repeat the secret: an
// earlier call may have told it to the server that presents the certificate.
func (p *probe) words(text string) string { return p.with.clean(text, text, redacted) }

func issuer(c *x509.Certificate) string {
	if c == nil {
		return "unknown"
	}
	for _, name := range []string{c.Issuer.CommonName, strings.Join(c.Issuer.Organization, ", ")} {
		if name != "" {
			return shorten(name)
		}
	}
	return "an authority without a name"
}

// namesIn are the names that a certificate is for.
func namesIn(c *x509.Certificate) string {
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	switch {
	case len(names) == 0:
		return "no name"
	case len(names) > mostAddresses:
		return shorten(strings.Join(names[:mostAddresses], ", ")) + " …"
	}
	return shorten(strings.Join(names, ", "))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
