package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

func TestTheSecretFileIsLookedAtBeforeAnythingIsSent(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	secret := p.file("app secret")
	require.NoError(t, os.WriteFile(secret, []byte(canarySecret), 0o600))
	c, stderr := p.start("--app-secret-file", secret)
	require.Zero(t, p.end(c), stderr.String())

	require.NoError(t, os.Chmod(secret, 0o640))
	c, stderr = p.start("--app-secret-file", secret, "--overwrite")
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "chmod 600 '"+secret+"'")
	assert.NotContains(t, stderr.String(), canarySecret)

	require.NoError(t, os.Chmod(secret, 0o600))
	require.NoError(t, os.WriteFile(secret, make([]byte, 64<<10+1), 0o600))
	c, stderr = p.start("--app-secret-file", secret, "--overwrite")
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "larger than any secret")
	assert.EqualValues(t, 1, p.service.Stats().Calls)
}

// TestTheSecretMayComeByAPipe of a password store, say, without being a file.
func TestTheSecretMayComeByAPipe(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{AppID: "app", TenantID: "tenant", AppSecret: canarySecret})
	executable, err := os.Executable()
	require.NoError(t, err)
	shell := exec.Command("sh", "-c", `printf %s "$SECRET" | "$0" run -i list.csv -o out.csv --app-secret-file /dev/stdin`, executable)
	shell.Dir = p.folder
	shell.Env = append(p.env, programVariable+"=1", "BULKONBOARD_APP_SECRET=wrong", "SECRET="+canarySecret)
	out, err := shell.CombinedOutput()
	require.NoError(t, err, string(out))
}

// tunnel is a proxy that leads every call to one server, and remembers what it
// was asked for.
type tunnel struct {
	*httptest.Server
	to    string
	mu    sync.Mutex
	asked []string
}

func newTunnel(t *testing.T, to string) *tunnel {
	p := &tunnel{to: to}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.Host)
		p.mu.Unlock()
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		_, _ = io.Copy(client, server)
		client.Close()
	}))
	t.Cleanup(p.Close)
	return p
}

// take gives what the proxy was asked for since the last time.
func (p *tunnel) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// quietTLSServer says nothing of clients that do not trust it.
func quietTLSServer(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestAPrivateAuthorityIsTrustedWhenItIsNamedAndTheProxyIsSaid(t *testing.T) {
	p := newProgram(t, 2, sandbox.Options{})
	server := quietTLSServer(t, p.service)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(p.file("ca.pem"), authority, 0o644))

	c, stderr := p.start("--base-url", server.URL)
	assert.Equal(t, cli.ExitUsage, p.end(c), "an unknown authority")
	assert.Contains(t, stderr.String(), "certificate")
	c, stderr = p.start("--base-url", server.URL, "--ca-file", p.file("list.csv"))
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "--ca-file is no use: there is no certificate in it")
	assert.Zero(t, p.service.Stats().Calls)

	// The certificate is for example.com, which only the proxy leads to.
	proxy := newTunnel(t, server.Listener.Addr().String())
	p.env = append(p.env, "HTTPS_PROXY=http://user:canary-password@"+proxy.Listener.Addr().String())
	c, stderr = p.start("--base-url", "https://example.com", "--ca-file", p.file("ca.pem"))
	require.Zero(t, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "through the proxy "+proxy.Listener.Addr().String())
	assert.NotContains(t, stderr.String(), "canary-password")
	assert.Contains(t, proxy.take(), "CONNECT example.com:443")
	p.requireEachItsOwn(2)
}

func TestTheProxyOfTheEnvironmentCanBeLeftOut(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	server := quietTLSServer(t, p.service)
	// This address leads to this machine, and is one for which a proxy is asked.
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	proxy := newTunnel(t, server.Listener.Addr().String())
	p.env = append(p.env, "HTTPS_PROXY=http://"+proxy.Listener.Addr().String(), "NO_PROXY=")
	for _, flags := range [][]string{{}, {"--no-proxy-env"}} {
		c, stderr := p.start(append(flags, "--base-url", "https://0.0.0.0:"+port, "--restart")...)
		assert.Equal(t, cli.ExitUsage, p.end(c), "the certificate is not for this address")
		assert.Equal(t, len(flags) == 0, len(proxy.take()) > 0)
		assert.Equal(t, len(flags) == 0, strings.Contains(stderr.String(), "through the proxy"), stderr.String())
	}
	assert.Zero(t, p.service.Stats().Calls)
}

// TestAProxysPasswordIsSaidNowhere, least of all by a proxy that is not there.
func TestAProxysPasswordIsSaidNowhere(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	closed := httptest.NewServer(nil)
	closed.Close()
	p.env = append(p.env, "HTTPS_PROXY=http://user:canary-password@"+closed.Listener.Addr().String())
	c, stderr := p.start("--base-url", "https://example.com", "--max-outage", "1s")
	assert.Equal(t, cli.ExitUsage, p.end(c), "no call has ever succeeded")
	assert.Contains(t, stderr.String(), closed.Listener.Addr().String())
	assert.NotContains(t, stderr.String(), "canary-password")
}

// TestWordsFromOutsideReachTheTerminalWithoutItsControls: those of the service,
// and the header of a list.
func TestWordsFromOutsideReachTheTerminalWithoutItsControls(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"statusCode":400,"messages":["\u001b]0;owned\u0007\u009b31m\u202e=cmd"],"result":null}`)
	}))
	t.Cleanup(server.Close)
	c, stderr := p.start("--base-url", server.URL)
	assert.Equal(t, cli.ExitBadRows, p.end(c))
	header := "customerType,customerEmail,\x1b]0;owned\x07\u202e,lastName\nIndividual,ann@example.com,Ann,Lee\n"
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(header), 0o600))
	c, refused := p.start("--base-url", server.URL, "--overwrite")
	p.end(c)
	for _, text := range []string{stderr.String(), refused.String()} {
		assert.Contains(t, text, "owned")
		assert.NotRegexp(t, "[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]", text)
	}
}

// TestWhatIsSaidNamesRowsAndNeverPeople whatever is wrong with them, and though
// the service repeats what it was sent.
func TestWhatIsSaidNamesRowsAndNeverPeople(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"statusCode": 400, "messages": []string{string(body), strings.ToUpper(string(body))}})
	}))
	t.Cleanup(server.Close)
	list := "customerType,customerEmail,firstName,lastName,customerMobileNumber,clientId\n" +
		"Individual,sent.CANARY@example.com,CANARYfirst,CANARYlast,+49CANARY,\n" +
		"Individual,CANARY is no address,CANARYfirst,CANARYlast,,\n" +
		"CANARY,other@example.com,CANARYfirst,CANARYlast,,CANARY\n" +
		"Individual,CANARY\n" +
		"Individual,\"CANARY,x,y,,\n"
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(list), 0o600))
	c, stderr := p.start("--base-url", server.URL, "--max-invalid", "100%")
	assert.Equal(t, cli.ExitBadRows, p.end(c))
	assert.Contains(t, stderr.String(), "row 1 ")
	assert.Contains(t, stderr.String(), "row 2 ")
	assert.NotContains(t, strings.ToLower(stderr.String()), "canary")
	check, said := p.command("check", "-i", p.file("list.csv"))
	assert.Equal(t, cli.ExitBadRows, p.end(check))
	assert.NotContains(t, strings.ToLower(said.String()), "canary")
}

func TestARunWritesToNoPlaceThatAnotherUserPrepared(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	require.NoError(t, os.Symlink(t.TempDir(), p.file("out.csv.state")))
	c, stderr := p.start()
	assert.Equal(t, cli.ExitState, p.end(c))
	assert.Contains(t, stderr.String(), "out.csv.state is no folder, or only a link to one")
	assert.Zero(t, p.service.Stats().Calls)
}
