package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// rotatingService takes one secret at a time, and another one from a call on.
type rotatingService struct {
	mu       sync.Mutex
	secrets  []string
	after    int // calls that each secret is good for
	calls    []time.Time
	answered int
	refused  int
	rotated  func(secret string)
}

func (s *rotatingService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ AppSecret, FormID, CustomerEmail string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, time.Now())
	if s.answered == s.after && len(s.secrets) > 1 {
		s.secrets, s.answered = s.secrets[1:], 0
		s.rotated(s.secrets[0])
	}
	if body.AppSecret != s.secrets[0] {
		s.refused++
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"statusCode":400,"messages":["Invalid AppId or AppSecret %s"],"result":null}`, body.AppSecret)
		return
	}
	s.answered++
	fmt.Fprintf(w, `{"statusCode":200,"messages":[],"result":{"sessionId":%q}}`, sandbox.SessionID(body.FormID, body.CustomerEmail))
}

// most is how many calls came within a second.
func (s *rotatingService) most() (most int) {
	for i, first := range s.calls {
		n := 0
		for _, at := range s.calls[i:] {
			if at.Sub(first) < time.Second {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestASecretThatIsRotatedInTheMiddleOfARunCostsNoRow though it is rotated
// twice, and though calls with the old one are under way.
func TestASecretThatIsRotatedInTheMiddleOfARunCostsNoRow(t *testing.T) {
	const rows, rate = 120, 60
	for _, source := range []string{"command", "file"} {
		t.Run(source, func(t *testing.T) {
			p := newProgram(t, rows, sandbox.Options{})
			store := p.file("the store")
			keep := func(secret string) { require.NoError(t, os.WriteFile(store, []byte(secret+"\n"), 0o600)) }
			service := &rotatingService{secrets: []string{"first-secret-0451", "second-secret-0452"}, after: rows / 2, rotated: keep}
			keep(service.secrets[0])
			server := httptest.NewServer(service)
			t.Cleanup(server.Close)
			p.env = append(p.env, "STORE="+store, "BULKONBOARD_APP_SECRET=canary-wrong-secret")
			flags := []string{"--app-secret-file", store}
			if source == "command" {
				script := "echo asked >>" + p.file("asked") + "; echo a-hint-for-people >&2; cat " + `"$1"`
				require.NoError(t, os.WriteFile(p.file("print it"), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
				flags = []string{"--app-secret-command", `'` + p.file("print it") + `' "$STORE"`}
			}
			late := watchLateness(t)
			c, stderr := p.start(append(flags, "--base-url", server.URL, "--rate", fmt.Sprint(rate), "--max-attempts", "1", "--max-inflight", "8")...)
			require.Zero(t, p.end(c), stderr.String())
			p.requireEachItsOwn(rows)
			assert.Positive(t, service.refused)
			assert.LessOrEqual(t, service.refused, 8, "those under way")
			assert.LessOrEqual(t, service.most(), rate+1+int(rate*late()), "calls that go again keep to the rate")
			assert.Contains(t, stderr.String(), "read again, it is another one")
			assert.NotContains(t, stderr.String(), "-secret-045")
			if source == "command" {
				asked, err := os.ReadFile(p.file("asked"))
				require.NoError(t, err)
				assert.Equal(t, "asked\nasked\n", string(asked), "at the start, and once it was refused")
				assert.Contains(t, stderr.String(), "a-hint-for-people")
				require.NoError(t, os.Remove(p.file("asked")))
				require.NoError(t, os.Remove(p.file("print it")))
			}
			require.NoError(t, os.Remove(store))
			for name, text := range p.everyFile() {
				assert.NotContains(t, text, "-secret-045", name)
			}
		})
	}
}

// TestACommandForTheSecretIsOneCommandAndSaysWhatItPrintsToNobody whatever goes
// wrong with it.
func TestACommandForTheSecretIsOneCommandAndSaysWhatItPrintsToNobody(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	for name, c := range map[string]struct{ command, says string }{
		"it fails":            {`sh -c "echo CANARY-secret; echo seen by people >&2; exit 3"`, "exit status 3"},
		"it shows its steps":  {`sh -xc "echo CANARY-secret; echo seen by people >&2; exit 3"`, "exit status 3"},
		"it prints nothing":   {"true", "printed nothing"},
		"it prints no text":   {`printf 'CANARY\377'`, "not text in UTF-8"},
		"it prints a control": {`printf 'CANARY\0x'`, "not text in UTF-8"},
		"it prints two lines": {`printf 'CANARY-one\nCANARY-two\n'`, "more than one line"},
		"it prints too much":  {"head -c 70000 /dev/zero", "more than one line"},
		"there is none":       {"no-such-program CANARY-token", "no such program"},
		"a pipe":              {"echo CANARY-secret | cat", "without pipes"},
		"a substitution":      {"echo $(cat CANARY)", "no other command"},
		"an open quote":       {"echo 'CANARY", "without pipes"},
		"a missing variable":  {"echo $NO_SUCH_VARIABLE_HERE", "unbound"},
		"empty":               {" ", "it is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			run, stderr := p.start("--app-secret-command", c.command)
			assert.Equal(t, cli.ExitUsage, p.end(run))
			assert.Contains(t, stderr.String(), "--app-secret-command")
			assert.Contains(t, stderr.String(), c.says)
			assert.NotContains(t, stderr.String(), "CANARY")
			assert.Equal(t, name == "it fails" || name == "it shows its steps", strings.Contains(stderr.String(), "seen by people"))
		})
	}
	run, stderr := p.start("--app-secret-command", "echo x", "--app-secret-file", p.file("list.csv"))
	assert.Equal(t, cli.ExitUsage, p.end(run))
	assert.Contains(t, stderr.String(), "contradict each other")
	assert.Zero(t, p.service.Stats().Calls)
	assert.NoDirExists(t, p.file("out.csv.state"))
}
