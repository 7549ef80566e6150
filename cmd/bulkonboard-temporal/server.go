package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"bulkonboard/batch/session"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/bulkonboard-temporal/s3"
	"bulkonboard/cmd/internal/cli"
)

// How the Temporal server and the store are reached.

const defaultTaskQueue = "bulkonboard"

// serverFlags say which Temporal server is spoken to, and as whom.
type serverFlags struct {
	address, namespace, taskQueue string

	keyFile  string
	tls      *pflag.Flag
	useTLS   bool
	pair     cli.KeyPair
	serverCA string

	warnings []string // about key files
}

func (s *serverFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.address, "address", client.DefaultHostPort, "address of the Temporal server: host:port")
	f.StringVar(&s.namespace, "namespace", client.DefaultNamespace, "namespace of the Temporal server")
	f.StringVar(&s.taskQueue, "task-queue", defaultTaskQueue, "task queue that joins jobs and workers; workers with another secret want another queue")
	f.StringVar(&s.keyFile, "api-key-file", "", "file that holds an API key for the Temporal server; implies --tls")
	f.BoolVar(&s.useTLS, "tls", false, "speak TLS with the Temporal server; needed for one on another machine, unless --tls=false says that the way there is safe")
	s.tls = f.Lookup("tls")
	f.StringVar(&s.pair.CertFile, "tls-cert-file", "", "PEM file with a certificate for the Temporal server (mTLS); implies --tls")
	f.StringVar(&s.pair.KeyFile, "tls-key-file", "", "PEM `FILE` with the key of that certificate")
	f.StringVar(&s.serverCA, "tls-ca-file", "", "PEM file with the certificates that may vouch for the Temporal server; implies --tls")
	for _, name := range []string{"api-key-file", "tls-cert-file", "tls-key-file", "tls-ca-file"} {
		_ = c.MarkFlagFilename(name)
	}
}

func (s *serverFlags) check(p *cli.Problems) {
	p.Need("address", s.address)
	p.Need("namespace", s.namespace)
	p.Need("task-queue", s.taskQueue)
	s.warnings = append(s.warnings, s.pair.Check(p, "tls-cert-file", "tls-key-file"))
	if told := s.tls.Changed && !s.useTLS; s.speaksTLS() {
		if told {
			p.Add("--tls=false contradicts the files that are named for TLS: leave it or them out")
		}
	} else if !told && !isHere(s.address) {
		p.Add(fmt.Sprintf("--address %s is another machine, and without TLS everybody on the way reads and changes what is said: add --tls, or --tls=false if the way there is safe", cli.OneLine(s.address)))
	}
}

// isHere reports the address of a server on this machine.
func isHere(address string) bool {
	if strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(address, "dns:///"), "passthrough:///"))
	return err == nil && session.ThisMachine(host)
}

// speaksTLS reports that TLS was asked for, or is implied.
func (s *serverFlags) speaksTLS() bool {
	return s.useTLS || s.keyFile != "" || s.pair.Given() || s.serverCA != ""
}

// unreachableError says that the Temporal server did not answer. Nothing was
// changed.
type unreachableError struct {
	address string
	err     error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("the Temporal server at %s cannot be used: %v; check --address and --namespace, and that it runs", e.address, e.err)
}

func (e *unreachableError) Unwrap() error { return e.err }

// Kind tells what it means.
func (e *unreachableError) Kind() cli.Kind { return cli.Unfinished }

// dial connects with the server.
func (s *serverFlags) dial(ctx context.Context, identity string, log *slog.Logger) (client.Client, error) {
	o := client.Options{
		HostPort: s.address, Namespace: s.namespace, Identity: identity,
		Logger: sdklog.NewStructuredLogger(slog.New(quieter{log.Handler()})),
	}
	if s.keyFile != "" {
		key, warning, err := cli.ReadKeyFile("api-key-file", s.keyFile)
		if err != nil {
			return nil, cli.Problems{err.Error()}
		}
		s.warnings = append(s.warnings, warning)
		o.Credentials = client.NewAPIKeyStaticCredentials(strings.TrimSpace(key))
	}
	for _, warning := range s.warnings {
		if warning != "" {
			log.Warn(warning)
		}
	}
	var err error
	if o.ConnectionOptions.TLS, err = s.tlsConfig(); err != nil {
		return nil, cli.Problems{err.Error()}
	}
	c, err := client.DialContext(ctx, o)
	if err != nil {
		return nil, &unreachableError{s.address, err}
	}
	return c, nil
}

func (s *serverFlags) tlsConfig() (*tls.Config, error) {
	if !s.speaksTLS() {
		return nil, nil //nolint:nilnil // no TLS is not an error
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.pair.Given() {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.pair.Get() }
	}
	if s.serverCA == "" {
		return c, nil
	}
	text, err := os.ReadFile(s.serverCA)
	if err == nil {
		c.RootCAs, err = session.ParseAuthorities(text)
	}
	if err != nil {
		return nil, fmt.Errorf("--tls-ca-file cannot be used: %w", err)
	}
	return c, nil
}

// quieter leaves out what the SDK says of every ordinary step.
type quieter struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quieter) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// partFailed is what the SDK says of a part that returned an error, which has
// been said with its reason.
const partFailed = "Activity error."

// Handle implements slog.Handler.
func (q quieter) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == partFailed {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

// storeFlag says where the machines keep what they share.
type storeFlag struct{ address string }

func (s *storeFlag) register(c *cobra.Command) {
	c.Flags().StringVar(&s.address, "store", "", "what all machines share: a folder that each of them sees, or s3://bucket/prefix?endpoint=https://host&region=name")
}

func (s *storeFlag) check(p *cli.Problems) { p.Need("store", s.address) }

// open opens the store.
func (s *storeFlag) open(ctx context.Context, log *slog.Logger) (store.Store, error) {
	place, err := s3.Open(ctx, s.address, s3.Options{Waiting: func(err error, next time.Duration) {
		log.Warn("the store is waited for", "error", err, "next", next)
	}})
	if err != nil {
		return nil, cli.Problems{"--store: " + err.Error()}
	}
	return place, nil
}
