package session

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// errProxy does not repeat what the environment holds: a proxy's URL may have a
// password in it.
var errProxy = errors.New("the proxy of the environment cannot be used; fix HTTPS_PROXY, or go without by --no-proxy-env")

// route is the way to the service: what is trusted, and through which proxy,
// if any. Plain http goes to this machine and nowhere else. The environment is asked
// once, since a client has one endpoint.
func (c *Config) route(template *http.Request) (*dialer, error) {
	dial := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	d := &dialer{dial: dial.DialContext, service: addressOf(template.URL), opens: proxyTimeout}
	if template.URL.Scheme == "http" {
		// The body would be read by every proxy on the way, which the environment
		// may name for localhost in another spelling.
		dial.Control = onlyThisMachine
		return d, nil
	}
	d.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Authorities}
	if c.Certificate != nil {
		d.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.Certificate() }
	}
	if c.NoProxy {
		return d, nil
	}
	var err error
	if d.via, err = http.ProxyFromEnvironment(template); err != nil {
		return nil, errProxy
	}
	return d, nil
}

// proxyError is a proxy that opens no way to the service.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy refuses the way to the service: HTTP %d", e.status)
}

// Proxy is the host and port of the proxy that calls go through, without its
// credentials; "" when they go straight to the service.
func (c *Client) Proxy() string {
	if c.pool == nil || c.pool.dialer.via == nil {
		return ""
	}
	return c.pool.dialer.via.Host
}

// ParseAuthorities reads certificates in PEM. Blocks that are none are passed
// over; a certificate that cannot be read is an error, and so is none at all.
func ParseAuthorities(text []byte) (*x509.CertPool, error) {
	pool, found := x509.NewCertPool(), false
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		switch {
		case block == nil && !found:
			return nil, errors.New("there is no certificate in it; it looks like -----BEGIN CERTIFICATE-----")
		case block == nil:
			return pool, nil
		case block.Type != "CERTIFICATE":
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a certificate in it cannot be read")
		}
		pool.AddCert(certificate)
		found = true
	}
}
