package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// Canaries stand for what is somebody's own, in every column of a list.
var canaries = []string{"canaryann", "canarysmith", "canarymail", "4915550142", "Canaryroad", "CanaryHoldings", "CR-0451", "CanaryTrade", "EMP-0451", "canary-secret"}

func canaryList(rows int) string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,customerMobileNumber,employeeId,firstName,lastName,fullName,registrationNumber,tradingName,sendEmail,address\n")
	for i := 1; i <= rows; i++ {
		switch i % 10 {
		case 8: // an address that is none
			fmt.Fprintf(&b, "Individual,canarymail%d.example.com,+4915550142,EMP-0451,Canaryann,Canarysmith,,,,,Canaryroad 7\n", i)
		case 9: // no row at all
			fmt.Fprintf(&b, "Individual,canarymail%d@example.com,\"Canaryann\n", i)
		case 0:
			fmt.Fprintf(&b, "LegalEntity,canarymail%d@example.com,+4915550142,EMP-0451,,,CanaryHoldings,CR-0451,CanaryTrade,perhaps,Canaryroad 7\n", i)
		case 7:
			fmt.Fprintf(&b, "LegalEntity,canarymail%d@example.com,+4915550142,EMP-0451,,,CanaryHoldings,CR-0451,CanaryTrade,true,Canaryroad 7\n", i)
		default:
			fmt.Fprintf(&b, "Individual,canarymail%d@example.com,+4915550142,EMP-0451,Canaryann,Canarysmith,,,,,Canaryroad 7\n", i)
		}
	}
	return b.String()
}

// gossip is a service that tells all it was told, in every way in which a call
// can end.
type gossip struct {
	calls atomic.Int64
	last  int64 // call from which on all are answered with 401; 0: none
}

func (g *gossip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	told, _ := io.ReadAll(r.Body)
	envelope := func(status int) {
		b, _ := json.Marshal(map[string]any{"statusCode": status, "messages": []string{"cannot take " + string(told)}, "result": nil})
		w.WriteHeader(status)
		_, _ = w.Write(b)
	}
	n := g.calls.Add(1)
	switch kind := n % 24; {
	case g.last > 0 && n >= g.last:
		envelope(http.StatusUnauthorized)
	case kind%4 == 1: // every second call is answered, so that there is no outage to wait for
		envelope(http.StatusBadRequest)
	case kind%4 == 3:
		fmt.Fprint(w, `{"statusCode":200,"messages":["`, sandbox.SessionID("a", "b"), `"],"result":{"sessionId":"`, sandbox.SessionID("form", string(told)), `"}}`)
	case kind == 4:
		w.Header().Set("Retry-After", "0")
		envelope(http.StatusTooManyRequests)
	case kind == 6:
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "<html>%s</html>", told)
	case kind == 0:
		fmt.Fprintf(w, "not JSON: %s", told)
	case kind == 8:
		w.Header().Set("Content-Length", "10000")
		_, _ = w.Write(told) // and no more
	case kind == 10:
		panic(http.ErrAbortHandler)
	default:
		envelope(http.StatusInternalServerError)
	}
}

func assertNoCanary(t *testing.T, what, text string) {
	t.Helper()
	for _, canary := range canaries {
		if at := strings.Index(strings.ToLower(text), strings.ToLower(canary)); at >= 0 {
			t.Errorf("%s has %q: …%s…", what, canary, text[max(0, at-60):min(len(text), at+60)])
		}
	}
}

// TestNothingThatIsSaidOfARunNamesACustomerOrTheSecret takes a list of canaries
// through a service that repeats all of them, at debug level, and reads
// everything that the program leaves but results, rejects and state.
func TestNothingThatIsSaidOfARunNamesACustomerOrTheSecret(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		for name, last := range map[string]int64{"to the end": 0, "refused": 40} {
			t.Run(format+", "+name, func(t *testing.T) {
				t.Parallel() // they mostly wait
				p := newProgram(t, 0, sandbox.Options{})
				server := httptest.NewServer(&gossip{last: last})
				defer server.Close()
				require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(canaryList(60)), 0o600))
				args := []string{
					"--base-url", server.URL, "--rate", "0", "--max-inflight", "4", "--max-invalid", "100%", "--max-attempts", "3", "--max-backoff", "1ms", "--max-failures", "100%",
					"--rejects", p.file("rejects.csv"), "--log-level", "debug", "--log-format", format, "--log-file", p.file("run.log"),
				}
				c, stderr := p.start(args...)
				code := p.end(c)
				if last > 0 {
					require.Equal(t, cli.ExitRefused, code, stderr)
				} else {
					require.Equal(t, cli.ExitBadRows, code, stderr)
				}
				assertNoCanary(t, "standard error", stderr.String())
				summary := "out.csv.summary.json"
				if last > 0 {
					summary = "out.csv.state/summary"
				}
				for _, name := range []string{"run.log", summary} {
					b, err := os.ReadFile(p.file(name))
					require.NoError(t, err)
					assert.NotEmpty(t, b)
					assertNoCanary(t, name, string(b))
				}
				for _, command := range []string{"status", "verify"} {
					var out bytes.Buffer
					c, stderr := p.commandTo(&out, command, p.file("out.csv"))
					p.end(c)
					assertNoCanary(t, command, out.String()+stderr.String())
				}
				info, err := os.Stat(p.file("run.log"))
				require.NoError(t, err)
				assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
			})
		}
	}
}

// TestAFaultOfTheDiskIsToldWithoutACustomer fills the disk under a run.
func TestAFaultOfTheDiskIsToldWithoutACustomer(t *testing.T) {
	p := newProgram(t, 0, sandbox.Options{})
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte(canaryList(2000)), 0o600))
	c, stderr := p.command("run", "-i", p.file("list.csv"), "-o", "/dev/full/out.csv", "--log-level", "debug")
	assert.NotZero(t, p.end(c))
	assertNoCanary(t, "standard error", stderr.String())
	shell := p.shell(`ulimit -f 200; trap '' XFSZ; exec "$0" run -i list.csv -o out.csv --rate 0 --max-invalid 100% --max-failures 100% --log-level debug --log-format json`)
	out, _ := shell.CombinedOutput()
	assert.Equal(t, cli.ExitIO, shell.ProcessState.ExitCode(), string(out))
	assertNoCanary(t, "standard error", string(out))
}

const runID = `^\d{8}T\d{6}Z-[a-z2-7]{6}$`

// TestEveryLineOfTheLogNamesTheRunOverAllItsStarts reads a JSON log that two
// starts appended to.
func TestEveryLineOfTheLogNamesTheRunOverAllItsStarts(t *testing.T) {
	p := newProgram(t, 200, sandbox.Options{Latency: 10 * time.Millisecond})
	args := []string{"--rate", "0", "--max-inflight", "4", "--log-format", "json", "--log-level", "debug", "--log-file", p.file("run.log")}
	c, stderr := p.start(args...)
	p.until("calls", func() bool { return p.service.Stats().Calls > 20 })
	require.NoError(t, c.Process.Signal(os.Interrupt))
	require.Equal(t, cli.ExitInterrupted, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "INCOMPLETE", "people are told all the same")
	c, stderr = p.start(args...)
	require.Equal(t, 0, p.end(c), stderr.String())

	b, err := os.ReadFile(p.file("run.log"))
	require.NoError(t, err)
	id, seen := p.summary().Run, map[string]int{}
	assert.Regexp(t, runID, id)
	for line := range strings.Lines(string(b)) {
		var l struct {
			Run, Msg, Level string
			Row, Rows       int64
		}
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		require.Equal(t, id, l.Run, line)
		seen[l.Level+" "+l.Msg]++
		if l.Msg == "attempt" {
			assert.Positive(t, l.Row)
		}
	}
	assert.Equal(t, 200, seen["DEBUG attempt"])
	assert.Positive(t, seen["DEBUG commit"])
	assert.Equal(t, 1, seen["INFO forecast"])
	assert.Equal(t, 1, seen["INFO resuming"])
	assert.Equal(t, 1, seen["WARN stopped"])
	assert.Equal(t, 1, seen["ERROR interrupted"])
	assert.Equal(t, 1, seen["INFO complete"])
}

// TestStandardErrorIsNothingButTheLogWhenThatIsJSON reads it as a collector
// does, of a run that ends well and of one that does not begin.
func TestStandardErrorIsNothingButTheLogWhenThatIsJSON(t *testing.T) {
	p := newProgram(t, 20, sandbox.Options{})
	lines := func(stderr *bytes.Buffer) (messages []string) {
		for line := range strings.Lines(stderr.String()) {
			var l struct{ Msg, Run string }
			require.NoError(t, json.Unmarshal([]byte(line), &l), line)
			assert.Regexp(t, runID, l.Run)
			messages = append(messages, l.Msg)
		}
		return messages
	}
	c, stderr := p.start("--log-format", "json", "--rate", "0")
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.Equal(t, []string{"forecast", "complete"}, lines(stderr))

	c, stderr = p.start("--log-format", "json")
	require.Equal(t, 0, p.end(c))
	messages := lines(stderr)
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0], "already complete")

	c, stderr = p.start("--log-format", "json", "--form-id", "other")
	require.Equal(t, cli.ExitUsage, p.end(c))
	messages = lines(stderr)
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0], "already exists and was not created by this run")
}

// TestEveryLineOfTheLogHasAnEventAndTimesAreInSeconds reads the log of a run that
// is paused, as a collector does.
func TestEveryLineOfTheLogHasAnEventAndTimesAreInSeconds(t *testing.T) {
	p := newProgram(t, 40, sandbox.Options{})
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := calls.Add(1); {
		case 32 <= n && n < 34:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			p.service.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	c, stderr := p.start("--base-url", server.URL, "--ledger", p.file("customers.db"), "--rate", "0", "--max-inflight", "8",
		"--log-level", "debug", "--log-format", "json", "--log-file", p.file("run.log"))
	require.Equal(t, 0, p.end(c), stderr.String())

	b, err := os.ReadFile(p.file("run.log"))
	require.NoError(t, err)
	levels, forecast := map[string]string{}, map[string]any{}
	for line := range strings.Lines(string(b)) {
		l := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		event, _ := l["event"].(string)
		require.Regexp(t, `^[a-z_]+$`, event, line)
		levels[event], _ = l["level"].(string)
		if event == "forecast" {
			forecast = l
		}
		for key, value := range l {
			assert.NotRegexp(t, `^(wait|took|latency|eta|retry_after)$`, key, line)
			if seconds, is := value.(float64); is && strings.HasSuffix(key, "_seconds") {
				assert.Less(t, seconds, 60.0, line)
			}
		}
	}
	for event, level := range map[string]string{
		"message": "INFO", "forecast": "INFO", "attempt": "DEBUG", "commit": "DEBUG", "pause": "WARN", "complete": "INFO",
	} {
		assert.Equal(t, level, levels[event], event)
	}
	for _, count := range []string{"rows", "calls", "mailed", "duplicates", "kept", "invalid", "new", "known", "changed", "expired", "again", "refused", "gone"} {
		assert.Contains(t, forecast, count)
	}
}
