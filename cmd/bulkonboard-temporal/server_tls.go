package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"bulkonboard/batch/session"
	"bulkonboard/cmd/internal/cli"
)

// How the Temporal server is known to be the right one, and how it knows this
// program. Every file that has a part in it is read again when it changes.

// speaksTLS reports that TLS was asked for, or is implied.
func (s *serverFlags) speaksTLS() bool {
	return s.useTLS || s.keyFile != "" || s.pair.Given() || s.serverCA != "" || s.serverName != ""
}

// secure has connections speak TLS, if that was asked for or is implied.
func (s *serverFlags) secure(o *client.ConnectionOptions) error {
	config, err := s.tlsConfig()
	if config == nil || err != nil {
		return err
	}
	if o.TLS, err = config(); err != nil {
		return err
	}
	o.DialOptions = append(o.DialOptions, grpc.WithTransportCredentials(&handshakes{credentials.NewTLS(o.TLS), config}))
	return nil
}

// tlsConfig is how a connection is made; nil without TLS. It is made again by
// handshakes.
func (s *serverFlags) tlsConfig() (func() (*tls.Config, error), error) {
	if !s.speaksTLS() {
		return nil, nil //nolint:nilnil // no TLS is not an error
	}
	authorities := func() (*x509.CertPool, error) { return nil, nil } //nolint:nilnil // the system's
	if s.serverCA != "" {
		authorities = (&reread[*x509.CertPool]{file: s.serverCA, read: s.readAuthorities}).get
	}
	config := func() (*tls.Config, error) {
		c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.serverName}
		if s.pair.Given() {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.pair.Get() }
		}
		var err error
		c.RootCAs, err = authorities()
		return c, err
	}
	_, err := config() // what is of no use is found out here
	return config, err
}

func (s *serverFlags) readAuthorities() (*x509.CertPool, error) {
	text, err := os.ReadFile(s.serverCA)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca-file cannot be used: %w", err)
	}
	pool, err := session.ParseAuthorities(text)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca-file cannot be used: %w", err)
	}
	return pool, nil
}

// apiKey gives the key that the file has now. The warning is empty when there is
// nothing to say about the file.
func (s *serverFlags) apiKey() (get func(context.Context) (string, error), warning string, err error) {
	_, warning, err = cli.ReadKeyFile("api-key-file", s.keyFile)
	key := &reread[string]{file: s.keyFile, read: func() (string, error) {
		text, _, err := cli.ReadKeyFile("api-key-file", s.keyFile)
		return strings.TrimSpace(text), err
	}}
	return func(context.Context) (string, error) { return key.get() }, warning, err
}

// handshakes are credentials of gRPC whose configuration is made again for every
// connection: that of the SDK would keep the authorities of its first one.
type handshakes struct {
	credentials.TransportCredentials
	config func() (*tls.Config, error)
}

// ClientHandshake implements credentials.TransportCredentials.
func (h *handshakes) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, err := h.config()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(c).ClientHandshake(ctx, authority, conn)
}

// Clone implements credentials.TransportCredentials.
func (h *handshakes) Clone() credentials.TransportCredentials {
	return &handshakes{h.TransportCredentials.Clone(), h.config}
}
