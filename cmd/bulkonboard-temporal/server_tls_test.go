package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"bulkonboard/cmd/internal/cli"
)

// authority makes certificates.
type authority struct {
	t           *testing.T
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate, a.key = a.sign(template, template, nil)
	return a
}

// sign makes a key, and a certificate for it by the key of a parent, or by its own.
func (a *authority) sign(template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	require.NoError(a.t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return certificate, key
}

// pair is a certificate for a name, and its key.
func (a *authority) pair(name string) (certificate, key []byte) {
	a.t.Helper()
	leaf, private := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, a.key)
	der, err := x509.MarshalECPrivateKey(private)
	require.NoError(a.t, err)
	return inPEM("CERTIFICATE", leaf.Raw), inPEM("EC PRIVATE KEY", der)
}

func inPEM(what string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: what, Bytes: der})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// strictServer is a Temporal server that knows no workflow, and answers only
// those who show it a certificate of its authority or the key that it knows.
type strictServer struct {
	workflowservice.UnimplementedWorkflowServiceServer
	key atomic.Value // a string; nil when none is asked for
}

// serverName is what its certificate is for.
const serverName = "temporal.internal"

// serve answers at an address until stop is called. Without an authority for
// clients it asks for no certificate.
func (s *strictServer) serve(t *testing.T, address string, own, clients *authority) (at string, stop func()) {
	t.Helper()
	pair, err := tls.X509KeyPair(own.pair(serverName))
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, clients.pool()
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.UnaryInterceptor(s.admit))
	workflowservice.RegisterWorkflowServiceServer(server, s)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until it is stopped
	}()
	stop = func() {
		server.Stop()
		<-served
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func (s *strictServer) admit(ctx context.Context, r any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	key, asked := s.key.Load().(string)
	if keys := sent.Get("authorization"); asked && (len(keys) != 1 || keys[0] != "Bearer "+key) {
		return nil, status.Error(codes.Unauthenticated, "the key is not known")
	}
	return handle(ctx, r)
}

func (s *strictServer) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (s *strictServer) ListWorkflowExecutions(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return &workflowservice.ListWorkflowExecutionsResponse{}, nil
}

func (s *strictServer) ListSchedules(context.Context, *workflowservice.ListSchedulesRequest) (*workflowservice.ListSchedulesResponse, error) {
	return &workflowservice.ListSchedulesResponse{}, nil
}

func (s *strictServer) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{}, nil
}

// keyring is the files that a program has for a server.
type keyring struct {
	t      *testing.T
	folder string
}

func (k *keyring) file(name string) string { return filepath.Join(k.folder, name) }

func (k *keyring) put(name string, content []byte) {
	k.t.Helper()
	require.NoError(k.t, os.WriteFile(k.file(name), content, 0o600))
}

// trust has the server's authority, and a certificate of another.
func (k *keyring) trust(own, clients *authority) {
	k.t.Helper()
	certificate, key := clients.pair("worker")
	k.put("ca.pem", inPEM("CERTIFICATE", own.certificate.Raw))
	k.put("cert.pem", certificate)
	k.put("key.pem", key)
}

// flags are those of a client, checked.
func (k *keyring) flags(s *serverFlags) *serverFlags {
	k.t.Helper()
	s.namespace, s.taskQueue, s.serverCA = "default", defaultTaskQueue, k.file("ca.pem")
	c := statusCommand()
	s.tls = c.Flags().Lookup("tls")
	var p cli.Problems
	s.check(&p)
	require.NoError(k.t, p.Err())
	return s
}

func TestAServerIsAskedOnlyByThoseWhomItTrustsAndThatTrustIt(t *testing.T) {
	own, clients := newAuthority(t, "server"), newAuthority(t, "clients")
	address, _ := new(strictServer).serve(t, "127.0.0.1:0", own, clients)
	k := &keyring{t, t.TempDir()}
	k.trust(own, clients)
	k.put("other.pem", inPEM("CERTIFICATE", clients.certificate.Raw))
	ask := func(flags ...string) (int, string) {
		return typed(append([]string{"status", "--store", t.TempDir(), "--address", address}, flags...)...)
	}
	pair := []string{"--tls-cert-file", k.file("cert.pem"), "--tls-key-file", k.file("key.pem")}
	code, said := ask(append(pair, "--tls-ca-file", k.file("ca.pem"), "--tls-server-name", serverName)...)
	assert.Zero(t, code, said)
	assert.Contains(t, said, "the Temporal server knows of no job")
	for name, flags := range map[string][]string{
		"no certificate":     {"--tls-ca-file", k.file("ca.pem"), "--tls-server-name", serverName},
		"another name":       append(pair, "--tls-ca-file", k.file("ca.pem")),
		"another authority":  append(pair, "--tls-ca-file", k.file("other.pem"), "--tls-server-name", serverName),
		"the system's trust": append(pair, "--tls-server-name", serverName),
		"no TLS":             nil,
	} {
		code, said := ask(flags...)
		assert.Equal(t, cli.ExitStopped, code, name)
		assert.Contains(t, said, "the Temporal server at "+address+" cannot be used", name)
	}
}

func TestCertificatesThatAreReplacedAreUsedByTheNextConnection(t *testing.T) {
	first, second := newAuthority(t, "first"), newAuthority(t, "second of them")
	address, stop := new(strictServer).serve(t, "127.0.0.1:0", first, first)
	k := &keyring{t, t.TempDir()}
	k.trust(first, first)
	s := k.flags(&serverFlags{address: address, serverName: serverName, pair: cli.KeyPair{CertFile: k.file("cert.pem"), KeyFile: k.file("key.pem")}})
	c, err := s.dial(t.Context(), "test", slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	defer c.Close()
	stop()
	k.trust(second, second)
	new(strictServer).serve(t, address, second, second)
	require.Eventually(t, func() bool {
		_, err := c.WorkflowService().ListWorkflowExecutions(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{})
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "the server with the new certificates is not trusted")
}

func TestAKeyThatIsReplacedIsUsedByTheNextCall(t *testing.T) {
	own, server := newAuthority(t, "server"), &strictServer{}
	server.key.Store("CANARY-one")
	address, _ := server.serve(t, "127.0.0.1:0", own, nil)
	k := &keyring{t, t.TempDir()}
	k.trust(own, own)
	k.put("api-key", []byte("CANARY-one\n"))
	c, err := k.flags(&serverFlags{address: address, serverName: serverName, keyFile: k.file("api-key")}).dial(t.Context(), "test", slog.New(slog.DiscardHandler), nil)
	require.NoError(t, err)
	defer c.Close()
	list := func() error {
		_, err := c.WorkflowService().ListWorkflowExecutions(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{})
		return err
	}
	require.NoError(t, list())
	k.put("api-key", nil)
	require.NoError(t, list(), "while it is replaced, the one before is used")
	server.key.Store("CANARY-the-other")
	k.put("api-key", []byte("CANARY-the-other\n"))
	require.NoError(t, list())

	code, said := typed("status", "--store", t.TempDir(), "--address", address, "--tls-ca-file", k.file("ca.pem"), "--tls-server-name", serverName, "--api-key-file", k.file("api-key"))
	assert.Zero(t, code, said)
	k.put("api-key", []byte("CANARY-wrong\n"))
	code, said = typed("status", "--store", t.TempDir(), "--address", address, "--tls-ca-file", k.file("ca.pem"), "--tls-server-name", serverName, "--api-key-file", k.file("api-key"))
	assert.Equal(t, cli.ExitStopped, code)
	assert.Contains(t, said, "the key is not known")
	assert.NotContains(t, said, "CANARY")
}
