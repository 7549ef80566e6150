//go:build cluster

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// process is a program that runs beside the test.
type process struct {
	t       *testing.T
	name    string
	command *exec.Cmd
	said    said
	ended   chan struct{} // closed once it has
	code    int           // -1 when it was killed
}

// startProcess starts a program. It is killed with the test, and what it said
// is in the log of a test that fails.
func startProcess(t *testing.T, name string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, command: exec.Command(program, args...), ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), env...)
	p.command.Stdout, p.command.Stderr = &p.said, &p.said
	require.NoError(t, p.command.Start())
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // its state says how it ended
		p.code = p.command.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said.tail())
		}
	})
	return p
}

func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *process) signal(s syscall.Signal) {
	if err := p.command.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
		assert.NoError(p.t, err, p.name)
	}
}

// end waits until the program ends by itself, and returns its exit code.
func (p *process) end(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.code
	case <-time.After(within):
		require.Fail(p.t, p.name+" does not end")
		return 0
	}
}

// saying waits until the program has said something.
func (p *process) saying(text string) {
	p.t.Helper()
	until(p.t, p.name+" says "+text, func() bool { return bytes.Contains(p.said.bytes(), []byte(text)) })
}

// until waits for something that is near.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	require.Eventually(t, so, 60*time.Second, 5*time.Millisecond, what)
}

// said is what a program says.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text.Bytes())
}

func (s *said) tail() []byte {
	b := s.bytes()
	return b[max(0, len(b)-8<<10):]
}

// tool is a server that make cluster-tools has installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	program, err := filepath.Abs("../../build/tools/" + name)
	require.NoError(t, err)
	require.FileExists(t, program, "install it first: make cluster-tools")
	return program
}

// freeAddress is one of this machine that nothing listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// temporalServer is Temporal's development server, with its database in a file.
type temporalServer struct {
	t       *testing.T
	address string
	folder  string
	process *process
	client  client.Client
}

func newTemporalServer(t *testing.T) *temporalServer {
	t.Helper()
	s := &temporalServer{t: t, address: freeAddress(t), folder: t.TempDir()}
	s.start()
	var err error
	s.client, err = client.NewLazyClient(client.Options{HostPort: s.address, Logger: silent{}})
	require.NoError(t, err)
	t.Cleanup(s.client.Close)
	s.ready()
	return s
}

// start starts it, or starts it again. Without the last three settings it waits
// a tenth of a second between two parts of a job.
func (s *temporalServer) start() {
	_, port, err := net.SplitHostPort(s.address)
	require.NoError(s.t, err)
	s.process = startProcess(s.t, "temporal", []string{"HOME=" + s.folder}, tool(s.t, "temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port,
		"--db-filename", filepath.Join(s.folder, "temporal.db"), "--log-level", "error",
		"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
		"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000")
}

// ready waits until it answers.
func (s *temporalServer) ready() {
	until(s.t, "the Temporal server is up", func() bool {
		_, err := s.client.CheckHealth(s.t.Context(), &client.CheckHealthRequest{})
		return err == nil
	})
}

// silent is a log that is thrown away.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// gateway is an S3 server over a folder, with one bucket.
type gateway struct {
	t       *testing.T
	address string
	folder  string
	process *process
}

const (
	accessKey = "someone"
	secretKey = "not-a-secret"
)

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{t: t, address: freeAddress(t), folder: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(g.folder, "lists"), 0o700))
	g.start()
	until(t, "the S3 server is up", func() bool {
		c, err := net.Dial("tcp", g.address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return g
}

func (g *gateway) start() {
	g.process = startProcess(g.t, "versitygw", []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey},
		tool(g.t, "versitygw"), "--quiet", "--port", g.address, "posix", g.folder)
}

func (g *gateway) store() string {
	return "s3://lists/onboarding?region=us-east-1&endpoint=http://" + g.address
}

// line is the network between two programs. While it is cut it carries nothing,
// and no connection ends: so it is when a cable is pulled.
type line struct {
	listener net.Listener
	target   string
	all      sync.WaitGroup

	mu             sync.Mutex // covers what follows
	changed        *sync.Cond
	broken, closed bool
	ends           []net.Conn
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{listener: listener, target: target}
	l.changed = sync.NewCond(&l.mu)
	l.all.Go(l.accept)
	t.Cleanup(l.close)
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // it is closed
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		l.join(near, far)
	}
}

func (l *line) join(near, far net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_, _ = near.Close(), far.Close()
		return
	}
	l.ends = append(l.ends, near, far)
	l.all.Go(func() { l.carry(near, far) })
	l.all.Go(func() { l.carry(far, near) })
}

// carry carries what goes in one direction.
func (l *line) carry(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		for l.broken && !l.closed {
			l.changed.Wait()
		}
		l.mu.Unlock()
		if _, unsent := to.Write(buffer[:n]); err != nil || unsent != nil {
			return
		}
	}
}

// cut cuts the line, or fixes it.
func (l *line) cut(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
	l.changed.Broadcast()
}

func (l *line) close() {
	_ = l.listener.Close()
	l.mu.Lock()
	l.closed = true
	l.changed.Broadcast()
	for _, c := range l.ends {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.all.Wait()
}
