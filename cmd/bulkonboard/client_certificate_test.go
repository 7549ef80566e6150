package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// putClientPair writes a certificate of one name, which has signed itself, and
// its key.
func putClientPair(t *testing.T, name, certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// TestAClientCertificateIsShownAndReadAgainWhenItChanges: the service closes
// every connection, so that the next call shows what the files have by then.
func TestAClientCertificateIsShownAndReadAgainWhenItChanges(t *testing.T) {
	const rows = 20
	p := newProgram(t, rows, sandbox.Options{})
	cert, key := p.file("client.pem"), p.file("client.key")
	putClientPair(t, "first", cert, key)
	var mu sync.Mutex
	var shown []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if shown = append(shown, r.TLS.PeerCertificates[0].Subject.CommonName); len(shown) == rows/2 {
			putClientPair(t, "second", cert, key)
		}
		w.Header().Set("Connection", "close")
		p.service.ServeHTTP(w, r)
	}))
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(shown)
	}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(p.file("ca.pem"), authority, 0o644))
	flags := []string{"--base-url", server.URL, "--ca-file", p.file("ca.pem"), "--rate", "0", "--max-inflight", "1"}

	c, stderr := p.start(flags...)
	assert.Equal(t, cli.ExitUsage, p.end(c), "none is shown: %s", stderr)
	flags = append(flags, "--client-cert-file", cert)
	c, stderr = p.start(flags...)
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "go together")
	flags = append(flags, "--client-key-file", key)
	require.NoError(t, os.Chmod(key, 0o644))
	c, stderr = p.start(flags...)
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "chmod 600")
	require.NoError(t, os.Chmod(key, 0o600))
	assert.Empty(t, seen())

	c, stderr = p.start(flags...)
	require.Zero(t, p.end(c), stderr.String())
	p.requireEachItsOwn(rows)
	assert.Equal(t, "first", seen()[0])
	assert.Equal(t, "second", seen()[rows-1])
}
