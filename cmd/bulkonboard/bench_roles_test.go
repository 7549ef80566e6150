//go:build bench && linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// roleVariable makes the test binary be one of the two processes that the
// program is measured against.
const roleVariable = "BULKONBOARD_BENCH_ROLE"

func init() {
	rows, _ := strconv.Atoi(os.Getenv("BENCH_ROWS"))
	workers, _ := strconv.Atoi(os.Getenv("BENCH_INFLIGHT"))
	latency, _ := time.ParseDuration(os.Getenv("BENCH_LATENCY"))
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		return
	case "service":
		err = serveBench(os.Getenv("BENCH_PROTOCOL"), int64(rows), latency, os.Getenv("BENCH_IDENTITY"))
	case "bare":
		err = bareLoop(os.Getenv("BENCH_URL"), os.Getenv("BENCH_AUTHORITY"), rows, workers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bareLoop is the least that a client on net/http can do: every worker posts
// one and the same body and decodes the answer.
func bareLoop(url, authority string, rows, workers int) error {
	text, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		MaxIdleConns: workers, MaxIdleConnsPerHost: workers,
	}}
	const body = `{"appId":"app","appSecret":"secret","tenantId":"tenant","formId":"form","customerType":"Individual","customerEmail":"customer.123456@example.com","customerMobileNumber":"+971501234567","individual":{"firstName":"Olivia","lastName":"Smith-123456"}}`
	var left atomic.Int64
	left.Store(int64(rows))
	failed := make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := post(client, url+"/api/AppSessionManager/GetSessionId", body); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func post(client *http.Client, url, body string) error {
	answer, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var envelope struct {
		StatusCode int
		Messages   []string
		Result     struct{ SessionID string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&envelope); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if envelope.Result.SessionID == "" {
		return fmt.Errorf("no session in the answer")
	}
	return err
}

// makeAuthority writes the certificate of an authority, and one that it vouches
// for, with its key, for this machine.
func makeAuthority(t *testing.T, authority, identity string) {
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: root.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	rootKey, leafKey := newKey(t), newKey(t)
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	require.NoError(t, err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	require.NoError(t, err)
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	require.NoError(t, os.WriteFile(authority, block("CERTIFICATE", rootDER), 0o600))
	require.NoError(t, os.WriteFile(identity, append(block("CERTIFICATE", leafDER), block("PRIVATE KEY", keyDER)...), 0o600))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}
