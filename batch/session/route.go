package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// errProxy does not repeat what the environment holds: a proxy's URL may have a
// password in it.
var errProxy = errors.New("the proxy of the environment cannot be used; fix HTTPS_PROXY, or go without by --no-proxy-env")

// route is the way to the service: what is trusted, and through which proxy,
// if any. Plain http goes to this machine and nowhere else. The environment is asked once, since a client has one endpoint.
func (c *Config) route(template *http.Request) (transport *http.Transport, proxy string, err error) {
	transport = newTransport(c.MaxInFlight)
	transport.TLSClientConfig.RootCAs = c.Authorities
	if c.Certificate != nil {
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.Certificate() }
	}
	if template.URL.Scheme == "http" {
		// The body would be read by every proxy on the way, which the environment
		// may name for localhost in another spelling.
		dialer := newDialer()
		dialer.Control = onlyThisMachine
		transport.DialContext = dialer.DialContext
		return transport, "", nil
	}
	if c.NoProxy {
		return transport, "", nil
	}
	via, err := http.ProxyFromEnvironment(template)
	if err != nil {
		return nil, "", errProxy
	}
	if via == nil {
		return transport, "", nil
	}
	transport.Proxy = http.ProxyURL(via)
	return transport, via.Host, nil
}

// proxyError is a proxy that opens no way to the service.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy refuses the way to the service: HTTP %d", e.status)
}

// refusedByProxy gives net/http's error for it a type: nothing was sent then.
func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return &proxyError{response.StatusCode}
	}
	return nil
}

// Proxy is the host and port of the proxy that calls go through, without its
// credentials; "" when they go straight to the service.
func (c *Client) Proxy() string { return c.proxy }

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
