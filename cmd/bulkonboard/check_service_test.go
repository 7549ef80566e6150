package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// tlsFault is what is wrong with a service that is spoken to by TLS.
type tlsFault struct {
	certificate func(*x509.Certificate)
	config      func(*tls.Config)
	untrusted   bool
}

// overTLS serves a sandbox over TLS, and gives the flags that lead to it.
func (p *program) overTLS(f tlsFault) []string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(p.t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Vendor CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if f.certificate != nil {
		f.certificate(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(p.t, err)
	server := httptest.NewUnstartedServer(p.service)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	if f.config != nil {
		f.config(server.TLS)
	}
	server.StartTLS()
	p.t.Cleanup(server.Close)
	flags := []string{"--base-url", server.URL}
	if !f.untrusted {
		require.NoError(p.t, os.WriteFile(p.file("ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
		flags = append(flags, "--ca-file", p.file("ca.pem"))
	}
	return flags
}

// TestCheckSaysWhatIsWrongWithTheServiceAndCallsNobody has a fault for every step
// on the way to the service.
func TestCheckSaysWhatIsWrongWithTheServiceAndCallsNobody(t *testing.T) {
	flags := func(f ...string) func(*program) []string { return func(*program) []string { return f } }
	overTLS := func(f tlsFault) func(*program) []string { return func(p *program) []string { return p.overTLS(f) } }
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	cases := []struct {
		name    string
		options sandbox.Options
		flags   func(*program) []string
		codes   []int
		says    string // of the step's line
	}{
		{"no host", sandbox.Options{}, flags("--base-url", "https://auth.bulkonboard.invalid"), []int{64, 75}, "name       failed"}, // 75: no name server either
		{"no route", sandbox.Options{}, flags("--base-url", "https://"+closed.Addr().String()), []int{75}, "route      failed   " + closed.Addr().String() + " refuses connections; check the port of --base-url"},
		{"a plain port", sandbox.Options{}, func(p *program) []string { return []string{"--base-url", "https://127.0.0.1:" + p.port()} }, []int{64}, "tls        failed   the port speaks plain http, not TLS"},
		{"an expired certificate", sandbox.Options{}, overTLS(tlsFault{certificate: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }}), []int{64}, "tls        failed   the certificate expired on"},
		{"a wrong name", sandbox.Options{}, overTLS(tlsFault{certificate: func(c *x509.Certificate) { c.IPAddresses = nil; c.DNSNames = []string{"other.example"} }}), []int{64}, "tls        failed   the certificate is for other.example, not for 127.0.0.1"},
		{"an unknown authority", sandbox.Options{}, overTLS(tlsFault{untrusted: true}), []int{64}, "tls        failed   the certificate is signed by an authority that this machine does not trust (Vendor CA)"},
		{"an old TLS", sandbox.Options{}, overTLS(tlsFault{config: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }}), []int{64}, "tls        failed   the service speaks no TLS 1.2 or later"},
		{"a wrong secret", sandbox.Options{AppID: "app", AppSecret: "another"}, flags(), []int{77}, "token      failed   the credentials were refused"},
		{"a wrong tenant", sandbox.Options{TenantID: "another"}, flags(), []int{77}, "token      failed   the tenant was refused"},
		{"a wrong path", sandbox.Options{}, func(p *program) []string { return []string{"--base-url", "http://127.0.0.1:" + p.port() + "/api/v1"} }, []int{64}, "token      failed   HTTP 404: the service does not answer below"},
		{"a clock off by an hour", sandbox.Options{ClockOff: -time.Hour}, flags(), []int{64}, "clock      failed   this machine is 1h0m"},
		{"no endpoint", sandbox.Options{Token: sandbox.NoToken}, flags(), []int{0}, "token      warning  the service has no GetAppToken (HTTP 404)"},
		{"a service that is down", sandbox.Options{Token: sandbox.FaultyToken, ErrorShare: 1}, flags(), []int{75}, "token      failed   the service does not answer as it should: http_500"},
		{"nothing", sandbox.Options{}, overTLS(tlsFault{}), []int{0}, "token      ok       the service accepts app id, app secret and tenant"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, 3, c.options)
			var stdout bytes.Buffer
			start := time.Now()
			check, stderr := p.commandTo(&stdout, append([]string{"check", "-i", p.file("list.csv")}, c.flags(p)...)...)
			code := p.end(check)
			assert.Less(t, time.Since(start), 5*time.Second)
			assert.Contains(t, c.codes, code, stderr.String())
			assert.Contains(t, stdout.String(), "\n  "+c.says)
			assert.Contains(t, stdout.String(), "calls      3", "the list is looked at, whatever the service is like")
			assert.Equal(t, code != 0, stderr.Len() > 0, stderr.String())
			assert.NotContains(t, stdout.String()+stderr.String(), canarySecret)
			assert.NotContains(t, stdout.String()+stderr.String(), "eyJ")
			assert.Equal(t, sandbox.Stats{Tokens: p.service.Stats().Tokens}, p.service.Stats(), "no customer was called")
		})
	}
}

func TestCheckPrintsItsFindingsAsOneObjectWithALineForEachMember(t *testing.T) {
	p := newProgram(t, 3, sandbox.Options{})
	var stdout bytes.Buffer
	c, stderr := p.commandTo(&stdout, "check", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--json")
	require.Zero(t, p.end(c), stderr.String())
	var d struct {
		List     struct{ SHA256 string }
		Config   struct{ Digest string }
		Plan     struct{ Calls, Mailed int64 }
		Service  []step
		Output   []step
		ExitCode int
	}
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &d))
	_, sum, err := sumOf(p.file("list.csv"))
	require.NoError(t, err)
	assert.Equal(t, sum, d.List.SHA256)
	assert.Len(t, d.Config.Digest, 64)
	assert.EqualValues(t, 3, d.Plan.Calls)
	assert.Len(t, d.Service, 5)
	assert.Len(t, d.Output, 2)
	for _, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n")[1:7] {
		assert.True(t, json.Valid([]byte("{"+strings.TrimSuffix(line, ",")+"}")), line)
	}
	assert.NotContains(t, stdout.String(), canarySecret)
	assert.NoDirExists(t, p.file("out.csv.state"))
}

// digestOf is the digest of the settings that check tells.
func (p *program) digestOf(args ...string) string {
	var stdout bytes.Buffer
	c, stderr := p.commandTo(&stdout, append([]string{"check", "--json", "-i", p.file("list.csv")}, args...)...)
	require.Zero(p.t, p.end(c), stderr.String())
	var d struct{ Config struct{ Digest string } }
	require.NoError(p.t, json.Unmarshal(stdout.Bytes(), &d))
	return d.Config.Digest
}

func TestTheDigestOfTheSettingsIsOfAllThatARunWouldHave(t *testing.T) {
	p := newProgram(t, 3, sandbox.Options{})
	write := func(name, text string) string {
		require.NoError(t, os.WriteFile(p.file(name), []byte(text), 0o600))
		return p.file(name)
	}
	base := p.digestOf("--config", write("job.yaml", "output: out.csv\nmaxAttempts: 5\n"))
	assert.Equal(t, base, p.digestOf("--config", write("commented.yaml", "# a comment\nmaxAttempts:   5\noutput: out.csv\n")), "how it is written does not matter")
	assert.Equal(t, base, p.digestOf("--config", write("flags.yaml", "maxAttempts: 5\n"), "-o", p.file("out.csv")), "nor where it is from")
	for name, text := range map[string]string{
		"a number": "output: out.csv\nmaxAttempts: 6\n", "a value for every row": "output: out.csv\nmaxAttempts: 5\nset: [sendEmail=true]\n",
		"the output": "output: other.csv\nmaxAttempts: 5\n", "what is replaced": "output: out.csv\nmaxAttempts: 5\noverwrite: true\n", "duplicates": "output: out.csv\nmaxAttempts: 5\nduplicates: send\n",
	} {
		assert.NotEqual(t, base, p.digestOf("--config", write("changed.yaml", text)), name)
	}
	p.env = append(p.env, "BULKONBOARD_DUPLICATES=send")
	assert.NotEqual(t, base, p.digestOf("--config", p.file("job.yaml")), "a variable")
}

func TestTheGravestFindingIsTheExitCode(t *testing.T) {
	p := newProgram(t, 3, sandbox.Options{TenantID: "another"})
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte("customerType,customerEmail,firstName,lastName\nIndividual,nobody,Ann,Lee\n"), 0o600))
	c, stderr := p.command("check", "-i", p.file("list.csv"))
	assert.Equal(t, cli.ExitRefused, p.end(c))
	assert.Contains(t, stderr.String(), "the tenant was refused")
	c, _ = p.command("check", "-i", p.file("list.csv"), "--tenant-id", "another")
	assert.Equal(t, cli.ExitBadRows, p.end(c))
	c, stderr = p.command("check", "-i", p.file("missing.csv"))
	assert.Equal(t, cli.ExitRefused, p.end(c))
	assert.Contains(t, stderr.String(), "missing.csv", "what is less grave is said, too")
	c, stderr = p.command("check", "-i", p.file("list.csv"), "-o", p.file("nowhere/out.csv"))
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "there is no folder")
}

func TestCheckLooksAtThePlaceOfTheResults(t *testing.T) {
	p := newProgram(t, 200, sandbox.Options{Latency: 10 * time.Millisecond})
	place := func(args ...string) (string, int) {
		var stdout bytes.Buffer
		c, _ := p.commandTo(&stdout, append([]string{"check", "-i", p.file("list.csv"), "-o", p.file("out.csv")}, args...)...)
		code := p.end(c)
		return stdout.String(), code
	}
	out, code := place()
	assert.Zero(t, code)
	assert.Contains(t, out, "place      ok       free")
	c, _ := p.start("--rate", "20")
	p.until("calls", func() bool { return p.service.Stats().Calls > 3 })
	out, code = place()
	assert.Equal(t, cli.ExitHeld, code)
	assert.Contains(t, out, "is in use by process")
	require.NoError(t, c.Process.Signal(os.Interrupt))
	assert.Equal(t, cli.ExitInterrupted, p.end(c))
	out, code = place()
	assert.Zero(t, code)
	assert.Contains(t, out, "a run is interrupted there")
	c, stderr := p.start("--rate", "0")
	require.Zero(t, p.end(c), stderr.String())
	out, code = place()
	assert.Zero(t, code)
	assert.Contains(t, out, "the run is complete already")
	out, code = place("--form-id", "other")
	assert.Equal(t, cli.ExitUsage, code)
	assert.Contains(t, out, "already exists and was not created by this run")

	today := p.file("day-" + time.Now().Format(time.DateOnly) + ".csv")
	require.NoError(t, os.WriteFile(today, nil, 0o600))
	out, code = place("-o", p.file("day-%Y-%m-%d.csv"))
	assert.Equal(t, cli.ExitUsage, code)
	assert.Contains(t, out, today+" already exists", "a date in the name is that of the run")
}
