package main

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
)

// inRepository runs a script of the project.
func inRepository(t *testing.T, environment []string, script string) (said string, err error) {
	c := exec.CommandContext(t.Context(), "bash", "-c", script)
	c.Dir, c.Env = "../..", append(os.Environ(), environment...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// TestTheSignatureOfAReleaseIsCheckedAsTheManualSays with a key of ssh.
func TestTheSignatureOfAReleaseIsCheckedAsTheManualSays(t *testing.T) {
	folder := t.TempDir()
	sums := filepath.Join(folder, "SHA256SUMS")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "program"), []byte("bytes"), 0o600))
	said, err := inRepository(t, nil, `set -e; ssh-keygen -q -t ed25519 -N "" -f '`+folder+`/key'; cd '`+folder+`'; sha256sum program >SHA256SUMS; printf 'releases %s\n' "$(cat key.pub)" >bulkonboard.pub`)
	require.NoError(t, err, said)
	sign := []string{"SIGN_KEY=" + filepath.Join(folder, "key")}
	said, err = inRepository(t, sign, ".ci/sign '"+folder+"'")
	require.NoError(t, err, said)
	check := regexp.MustCompile("(?m)^(ssh-keygen -Y verify .*)$").FindString(pageText("security"))
	require.NotEmpty(t, check)
	said, err = inRepository(t, nil, "set -e; cd '"+folder+"'; "+check)
	require.NoError(t, err, said)
	changed, err := os.ReadFile(sums)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(sums, append(changed, "0 other\n"...), 0o600))
	_, err = inRepository(t, nil, "set -e; cd '"+folder+"'; "+check)
	require.Error(t, err, "it is not what was signed")
	_, err = inRepository(t, []string{"SIGN_KEY="}, ".ci/sign '"+folder+"'")
	require.Error(t, err)
}

// TestALookForVulnerabilitiesThatCannotBeHadFailsWhereItIsRequired and is loud
// elsewhere.
func TestALookForVulnerabilitiesThatCannotBeHadFailsWhereItIsRequired(t *testing.T) {
	away := []string{"GOVULNDB=http://127.0.0.1:1", "GOPROXY=off", "GOFLAGS=-modcacherw", "GOMODCACHE=" + t.TempDir()}
	said, err := inRepository(t, append(away, "VULNCHECK=required"), ".ci/vulncheck")
	require.Error(t, err, said)
	said, err = inRepository(t, append(away, "VULNCHECK="), ".ci/vulncheck")
	require.NoError(t, err, said)
	assert.Contains(t, said, "*** NOT CHECKED for known vulnerabilities")
	workflow, err := os.ReadFile("../../.github/workflows/ci.yml")
	require.NoError(t, err)
	assert.Contains(t, string(workflow), "VULNCHECK: required")
}

// TestEverythingThatIsLinkedHasItsLicenseText: the file that travels with the
// release and the image has one for each module, and for Go itself.
func TestEverythingThatIsLinkedHasItsLicenseText(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	file := filepath.Join(t.TempDir(), "LICENSES")
	said, err := inRepository(t, nil, ".ci/licenses '"+file+"'")
	require.NoError(t, err, said)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(b)
	for _, heading := range []string{"\nbulkonboard\n", "Go and its standard library, go1", "github.com/spf13/cobra v", "mvdan.cc/sh/v3 v", "go.temporal.io/sdk v", "github.com/prometheus/client_golang v1.25.0: NOTICE"} {
		assert.Contains(t, text, heading)
	}
	assert.Greater(t, strings.Count(text, strings.Repeat("=", 79)), 40)
	assert.Greater(t, strings.Count(text, "Apache License"), 5)
}

// TestModulesThatNobodyMaintainsAreNamedWithTheReason: those that have never had
// a release, and are years old.
func TestModulesThatNobodyMaintainsAreNamedWithTheReason(t *testing.T) {
	for _, file := range []string{"../../go.mod", "../bulkonboard-temporal/go.mod"} {
		mod, err := os.ReadFile(file)
		require.NoError(t, err)
		old := regexp.MustCompile(`(?m)^\s*(\S+) v0\.0\.0-20(1\d|2[0-4])\d{10}-`).FindAllStringSubmatch(string(mod), -1)
		assert.NotEmpty(t, old)
		for _, m := range old {
			assert.Contains(t, pageText("security"), "| `"+m[1]+"` |")
		}
	}
}

// TestARunKeepsToFIPS140WhereNothingElseIsAllowed from the first connection to
// the report, with a ledger and its keys.
func TestARunKeepsToFIPS140WhereNothingElseIsAllowed(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	p := newProgram(t, 20, sandbox.Options{})
	server := quietTLSServer(t, p.service)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(p.file("ca.pem"), authority, 0o644))
	p.env = append(p.env, "GODEBUG=fips140=only")
	c, stderr := p.start("--base-url", server.URL, "--ca-file", p.file("ca.pem"), "--ledger", p.file("db"), "--rate", "0", "--set", "employeeId=7")
	require.Zero(t, p.end(c), stderr.String())
	p.requireEachItsOwn(20)
	p.requireItsSummary(20)
	p.runs("verify", p.file("out.csv"))
	p.runs("report", p.file("out.csv"), "-o", p.file("report.html"))
	p.runs("ledger", "stats", "--ledger", p.file("db"))
	p.runs("plan", "-i", p.file("list.csv"), "--job", p.file("job"), "--rate", "100")
	var stdout bytes.Buffer
	c, _ = p.commandTo(&stdout, "--version")
	assert.Zero(t, p.end(c))
	assert.Regexp(t, `\(Go Cryptographic Module \S+, FIPS 140-3 mode\)`, stdout.String())
}

// TestAnImageIsBuiltOfTheSourceAndNothingElse that lies beside it.
func TestAnImageIsBuiltOfTheSourceAndNothingElse(t *testing.T) {
	b, err := os.ReadFile("../../.dockerignore")
	require.NoError(t, err)
	var kept []string
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			kept = append(kept, name)
		}
	}
	assert.Contains(t, strings.Split(string(b), "\n"), "*")
	assert.ElementsMatch(t, []string{"LICENSE", "go.mod", "go.sum", "batch", "cmd", "sink", "source", ".ci", ".ci/licenses"}, kept)
}
