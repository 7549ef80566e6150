package main

import (
	"bytes"
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
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
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
	assert.Contains(t, stderr.String(), "--ca-file is of no use: there is no certificate in it")
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

// TestPlainHTTPPassesTheProxyOfTheEnvironmentBy however this machine is spelled.
func TestPlainHTTPPassesTheProxyOfTheEnvironmentBy(t *testing.T) {
	t.Parallel() // it mostly waits
	p := newProgram(t, 2, sandbox.Options{})
	var seen atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	proxy.Config.ConnState = func(net.Conn, http.ConnState) { seen.Add(1) }
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		p.env = append(p.env, name+"="+proxy.URL)
	}
	p.env = append(p.env, "NO_PROXY=", "no_proxy=")
	for _, host := range []string{"localhost", "LOCALHOST", "LocalHost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		c, stderr := p.start("--base-url", "http://"+host+":"+p.port(), "--overwrite")
		require.Zero(t, p.end(c), "%s: %s", host, stderr)
		assert.NotContains(t, stderr.String(), "proxy")
		p.requireEachItsOwn(2)
	}
	assert.Zero(t, seen.Load(), "the proxy saw a connection")
}

// TestAProxysPasswordIsSaidNowhere, least of all by a proxy that is not there.
func TestAProxysPasswordIsSaidNowhere(t *testing.T) {
	t.Parallel() // it mostly waits
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
		"Individual,CANARY is not an address,CANARYfirst,CANARYlast,,\n" +
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
	assert.Contains(t, stderr.String(), "out.csv.state is not a folder, or only a link to one")
	assert.Zero(t, p.service.Stats().Calls)
}

// TestWhatMayBeASecretTypedByMistakeIsNotRepeated wherever it was typed.
func TestWhatMayBeASecretTypedByMistakeIsNotRepeated(t *testing.T) {
	const typed = "CANARY-s3cret"
	p := newProgram(t, 1, sandbox.Options{})
	require.NoError(t, os.WriteFile(p.file("job.yaml"), []byte("appSecretFile: "+typed+"\n"), 0o600))
	require.NoError(t, os.WriteFile(p.file("key.yaml"), []byte("appSecret: "+typed+"\n"), 0o600))
	cases := map[string][]string{
		"a secret for its file":   {"--app-secret-file", typed},
		"in one word":             {"--app-secret-file=" + typed},
		"in the config file":      {"--config", p.file("job.yaml")},
		"as a key of it":          {"--config", p.file("key.yaml")},
		"a key for its file":      {"--client-cert-file", p.file("list.csv"), "--client-key-file", typed},
		"a flag that there isn't": {"--app-secret", typed},
		"behind a single dash":    {"-app-secret=" + typed},
		"behind a letter":         {"-p" + typed},
		"behind no flag":          {"--app-secret-file=", typed},
		"settings shown":          {"--app-secret-file", typed, "--print-config"},
		"a path that is too long": {"--app-secret-file", typed + strings.Repeat("x", 5000)},
		"a path below a file":     {"--app-secret-file", p.file("list.csv") + "/" + typed},
	}
	for name, flags := range cases {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			c, stderr := p.commandTo(&stdout, append([]string{"run", "-i", p.file("list.csv"), "-o", p.file("out.csv")}, flags...)...)
			assert.Equal(t, cli.ExitUsage, p.end(c))
			assert.NotEmpty(t, stderr.String())
			assert.NotContains(t, stderr.String()+stdout.String(), typed)
		})
	}
	p.env = append(p.env, "BULKONBOARD_APP_SECRET_FILE="+typed)
	c, stderr := p.start()
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "the file named by --app-secret-file (BULKONBOARD_APP_SECRET_FILE) does not exist (its name is not shown")
	assert.NotContains(t, stderr.String(), typed)
}

// TestWhatAServiceSendsUnaskedIsSaidNowhere: of bytes behind an answer, with the
// request in them, Go's client would log the beginning.
func TestWhatAServiceSendsUnaskedIsSaidNowhere(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, _ := io.ReadAll(r.Body)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		answer := fmt.Sprintf(`{"statusCode":200,"messages":[],"result":{"sessionId":"session-%d"}}`, time.Now().UnixNano())
		fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(answer), answer, request)
		_ = connection.Close()
	}))
	t.Cleanup(server.Close)
	p := newProgram(t, 50, sandbox.Options{})
	c, stderr := p.start("--base-url", server.URL, "--rate", "0", "--max-inflight", "2", "--log-level", "debug")
	require.Zero(t, p.end(c), stderr.String())
	assert.NotContains(t, stderr.String(), canarySecret)
	assert.NotContains(t, stderr.String(), "Unsolicited")
}

// TestValuesThatAreSetForEveryRowAreToldNowhere: not in the log, the journal, the
// checkpoint, the summary or the report, not in a command or in settings that are
// printed, and not in the process that is named.
func TestValuesThatAreSetForEveryRowAreToldNowhere(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	p := newProgram(t, 30, sandbox.Options{Latency: 50 * time.Millisecond})
	flags := []string{"--map", "lastName=", "--set", "lastName=CANARYname", "--set=customerMobileNumber=+49CANARY", "--log-level", "debug", "--log-file", p.file("log"), "--rate", "20"}
	c, stderr := p.start(flags...)
	p.until("calls", func() bool { return p.service.Stats().Calls > 0 })
	held, other := p.start(flags...)
	assert.Equal(t, cli.ExitHeld, p.end(held))
	require.NoError(t, c.Process.Signal(os.Interrupt))
	assert.Equal(t, cli.ExitInterrupted, p.end(c))
	said := stderr.String() + other.String()
	for _, args := range [][]string{
		{"status", p.file("out.csv")}, {"check", "-i", p.file("list.csv"), "--map", "lastName=", "--set", "lastName=CANARYname"},
		{"run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--set", "lastName=CANARYname", "--print-config"},
	} {
		var stdout bytes.Buffer
		c, stderr := p.commandTo(&stdout, args...)
		assert.Zero(t, p.end(c), stderr.String())
		said += stdout.String() + stderr.String()
	}
	changed, stderr := p.start("--map", "lastName=", "--set", "lastName=CANARYother", "--set", "customerMobileNumber=+49CANARY")
	assert.Equal(t, cli.ExitState, p.end(changed), "it is noticed all the same")
	wrong, said2 := p.start("--set", "CANARY Lee")
	assert.Equal(t, cli.ExitUsage, p.end(wrong))
	assert.NotContains(t, said+stderr.String()+said2.String(), "CANARY")
	clean := func() {
		for name, text := range p.everyFile() {
			assert.NotContains(t, text, "CANARY", name)
		}
	}
	clean()
	c, stderr = p.start(flags...)
	require.Zero(t, p.end(c), stderr.String())
	p.runs("report", p.file("out.csv"), "-o", p.file("report.html"))
	clean()
}

// TestNamesThatSteerATerminalAreSpelledOut whatever they are names of.
func TestNamesThatSteerATerminalAreSpelledOut(t *testing.T) {
	const evil = "a\x1b]0;owned\x07\u009b31m\u202egpj\u2066"
	p := newProgram(t, 2, sandbox.Options{})
	list, output := p.file(evil+".csv"), p.file(evil+" out.csv")
	header := "customerType,customerEmail,firstName,lastName," + evil + "\nIndividual,a@example.com,A,B,x\nIndividual,not one,A,B,x\n"
	require.NoError(t, os.WriteFile(list, []byte(header), 0o600))
	require.NoError(t, os.WriteFile(p.file(evil+".yaml"), []byte("\""+strings.NewReplacer("\x1b", `\e`, "\x07", `\a`, "\u009b", `\x9b`, "\u202e", `\u202e`, "\u2066", `\u2066`).Replace(evil)+"\": 1\n"), 0o600))
	commands := [][]string{
		{"run", "-i", list, "-o", output, "--max-invalid", "50%", "--rejects", p.file(evil + ".rejects"), "--metrics-file", p.file(evil + ".prom"), "--log-file", p.file("log")},
		{"run", "-i", list, "-o", output + ".2", "--max-invalid", "50%", "--log-format", "json", "--log-level", "debug"},
		{"run", "-i", list, "-o", output, "--max-invalid", "50%"},
		{"run", "-i", list + ".none", "-o", output},
		{"run", "-i", list, "-o", output, "--config", p.file(evil + ".yaml")},
		{"run", "-i", list, "-o", output, "--config", p.file(evil + ".none")},
		{"run", "-i", list, "-o", output, "--print-config"},
		{"run", "-i", list, "-o", output, "--map", "lastName=" + evil + "2"},
		{"run", "-i", list, "-o", output, "--map", evil + "=lastName"},
		{"run", "-i", list, "-o", output, "--" + evil},
		{evil}, {"check", "-i", list}, {"status", output}, {"verify", output}, {"retry", output}, {"report", output, "-o", p.file(evil + ".html")},
		{"plan", "-i", list, "--job", p.file(evil + " job"), "--rate", "10", "--max-invalid", "50%"}, {"status", "--job", p.file(evil + " job")},
		{"ledger", "stats", "--ledger", p.file(evil + ".db")},
	}
	said := ""
	for _, args := range commands {
		var stdout bytes.Buffer
		c, stderr := p.commandTo(&stdout, args...)
		p.end(c)
		text := stdout.String() + stderr.String()
		assert.NotRegexp(t, "[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]", text, "%q", args)
		said += text
	}
	log, err := os.ReadFile(p.file("log"))
	require.NoError(t, err)
	assert.NotRegexp(t, "[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]", string(log))
	assert.Contains(t, said, "owned")
}

// TestAStateFolderThatOthersMayWriteToIsRefused and left as it is.
func TestAStateFolderThatOthersMayWriteToIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o770, 0o702} {
		p := newProgram(t, 1, sandbox.Options{})
		require.NoError(t, os.Mkdir(p.file("out.csv.state"), 0o700))
		require.NoError(t, os.Chmod(p.file("out.csv.state"), mode))
		c, stderr := p.start()
		assert.Equal(t, cli.ExitState, p.end(c))
		assert.Contains(t, stderr.String(), "can be written by other users")
		info, err := os.Stat(p.file("out.csv.state"))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm())
		assert.Zero(t, p.service.Stats().Calls)
	}
}

// TestAJobFolderThatOthersMayWriteToIsRefused: they could have the secret sent
// elsewhere.
func TestAJobFolderThatOthersMayWriteToIsRefused(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	job := []string{"--job", p.file("job")}
	plan := append([]string{"plan", "-i", p.file("list.csv"), "--rate", "0"}, job...)
	p.runs(plan...)
	for _, args := range [][]string{
		plan, append([]string{"run-chunk", "--index", "0"}, job...), append([]string{"retry-job"}, job...), append([]string{"status"}, job...),
		append([]string{"merge", "-o", p.file("out.csv")}, job...),
	} {
		require.NoError(t, os.Chmod(p.file("job"), 0o777))
		c, stderr := p.command(args...)
		assert.Equal(t, cli.ExitState, p.end(c), args[0])
		assert.Contains(t, stderr.String(), "job can be written by other users (mode 0777)", args[0])
	}
	assert.Zero(t, p.service.Stats().Calls)
	require.NoError(t, os.Chmod(p.file("job"), 0o700))
	require.NoError(t, os.Symlink("job", p.file("link")))
	p.runs("run-chunk", "--job", p.file("link"), "--index", "0")
	p.runs(append([]string{"merge", "-o", p.file("out.csv")}, job...)...)
}

// TestAConfigFileThatEverybodyMayWriteToIsRefused: it can name another service, or
// a command.
func TestAConfigFileThatEverybodyMayWriteToIsRefused(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	require.NoError(t, os.WriteFile(p.file("job.yaml"), []byte("rate: 0\n"), 0o600))
	require.NoError(t, os.Chmod(p.file("job.yaml"), 0o606))
	c, stderr := p.start("--config", p.file("job.yaml"))
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "job.yaml (mode 0606), and so where the secret is sent; close it with: chmod o-w "+p.file("job.yaml"))
	assert.Zero(t, p.service.Stats().Calls)
	require.NoError(t, os.Chmod(p.file("job.yaml"), 0o664))
	c, stderr = p.start("--config", p.file("job.yaml"))
	assert.Zero(t, p.end(c), stderr.String())
}

// TestNoLinkOfAnotherUserIsWrittenThrough by a log, a ledger or metrics.
func TestNoLinkOfAnotherUserIsWrittenThrough(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a link to another user")
	}
	for flag, name := range map[string]string{"--log-file": "log", "--ledger": "db", "--ledger-key-file": "key", "--metrics-file": "x.prom"} {
		p := newProgram(t, 1, sandbox.Options{})
		victim := p.file("victim")
		link := func(uid int) {
			_ = os.Remove(p.file(name))
			require.NoError(t, os.Symlink(victim, p.file(name)))
			require.NoError(t, os.Lchown(p.file(name), uid, uid))
		}
		link(65533)
		c, stderr := p.start(flag, p.file(name), "--ledger", p.file("db"), "--restart")
		assert.Contains(t, []int{cli.ExitUsage, cli.ExitState}, p.end(c), stderr.String())
		assert.Contains(t, stderr.String(), "is a symbolic link of another user (65533)", flag)
		assert.NoFileExists(t, victim)
		assert.Zero(t, p.service.Stats().Calls)
		if flag == "--log-file" { // one's own is one's own affair
			link(os.Geteuid())
			c, stderr = p.start(flag, p.file(name))
			require.Zero(t, p.end(c), stderr.String())
			assert.FileExists(t, victim)
		}
	}
}

// TestAListThatIsMadeToBurstIsRefusedBeforeItDoes by every command that reads
// one, and long before it has been read to its end.
func TestAListThatIsMadeToBurstIsRefusedBeforeItDoes(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	p := newProgram(t, 1, sandbox.Options{})
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	list, err := os.ReadFile(p.file("list.csv"))
	require.NoError(t, err)
	lines := bytes.Repeat([]byte(strings.Repeat(" ", 1<<10-1)+"\n"), 1<<10)
	packed := append(w.EncodeAll(list, nil), bytes.Repeat(w.EncodeAll(lines, nil), 600)...)
	require.Less(t, len(packed), 1<<20)
	require.NoError(t, os.WriteFile(p.file("bomb.zst"), packed, 0o600))
	for _, args := range [][]string{
		{"run", "-i", p.file("bomb.zst"), "-o", p.file("out.csv")}, {"check", "-i", p.file("bomb.zst")},
		{"plan", "-i", p.file("bomb.zst"), "--job", p.file("job"), "--rate", "1"},
	} {
		c, stderr := p.command(args...)
		assert.Equal(t, cli.ExitBadList, p.end(c), stderr.String())
		assert.Contains(t, stderr.String(), "more than 500 times its size")
		assert.Less(t, c.ProcessState.UserTime(), time.Minute, "the race detector included")
	}
	assert.NoFileExists(t, p.file("out.csv"))
	assert.Zero(t, p.service.Stats().Calls)
}
