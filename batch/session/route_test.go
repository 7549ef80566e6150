package session

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{certificate, key}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// server is the certificate of a server at an address.
func (a *authority) server(t *testing.T, address string, expires time.Time) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: expires, IPAddresses: []net.IP{net.ParseIP(address)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &a.key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

func TestOnlyAVerifiedServerOverTLS12OrLaterIsToldAnything(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	cases := []struct {
		name    string
		config  *tls.Config
		trusted *authority
		want    Outcome
	}{
		{"TLS 1.3", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", soon)}}, ours, OK},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", soon)}, MaxVersion: tls.VersionTLS12}, ours, OK},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", soon)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ours, TLSRefused},
		{"expired", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", past)}}, ours, TLSRefused},
		{"of another address", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.2", soon)}}, ours, TLSRefused},
		{"of another authority", &tls.Config{Certificates: []tls.Certificate{other.server(t, "127.0.0.1", soon)}}, ours, TLSRefused},
		{"asking for a certificate in turn", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", soon)}, ClientAuth: tls.RequireAnyClientCert}, ours, TLSRefused},
		{"of none that the system knows", &tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", soon)}}, nil, TLSRefused},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var told atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				told.Add(1)
				_, _ = io.WriteString(w, envelopeOf(200, "x", "id"))
			}))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.TLS = c.config
			server.StartTLS()
			defer server.Close()
			config := Config{BaseURL: server.URL, AppSecret: canary, Timeout: 5 * time.Second}
			if c.trusted != nil {
				pool, err := ParseAuthorities(c.trusted.pem())
				require.NoError(t, err)
				config.Authorities = pool
			}
			client, err := New(config)
			require.NoError(t, err)
			defer client.CloseIdle()
			answer := client.Call(t.Context(), &ann)
			assert.Equal(t, c.want, answer.Outcome, answer.Message)
			assert.Equal(t, c.want == OK, told.Load() == 1)
		})
	}
}

func TestAServerThatGoesOnInAnOldVersionIsRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096))
		hello := append([]byte{2, 0, 0, 38, 3, 2}, make([]byte, 36)...) // ServerHello of TLS 1.1
		hello[4+2+32+2] = 0x2f                                          // with TLS_RSA_WITH_AES_128_CBC_SHA
		_, _ = conn.Write(append([]byte{22, 3, 2, 0, byte(len(hello))}, hello...))
		_, _ = io.Copy(io.Discard, conn)
	}()
	answer := clientOf(t, "https://"+ln.Addr().String()).Call(t.Context(), &ann)
	assert.Equal(t, TLSRefused, answer.Outcome, answer.Message)
}

func TestAuthoritiesAreCertificatesOrRefused(t *testing.T) {
	one, two := newAuthority(t).pem(), newAuthority(t).pem()
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	for name, text := range map[string][]byte{
		"one": one, "two and words": bytes.Join([][]byte{[]byte("our own\n"), one, two}, nil), "beside a key": append(key, one...),
	} {
		_, err := ParseAuthorities(text)
		assert.NoError(t, err, name)
	}
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	for name, text := range map[string][]byte{
		"nothing": nil, "words": []byte("hello"), "a key alone": key, "one that is broken": append(one, broken...),
	} {
		_, err := ParseAuthorities(text)
		assert.Error(t, err, name)
	}
}

func FuzzAuthoritiesAreAPoolOrAnError(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		pool, err := ParseAuthorities(text)
		assert.Equal(t, err == nil, pool != nil)
	})
}
