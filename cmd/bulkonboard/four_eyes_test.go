package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
)

// fourEyes is a machine on which a run needs the signature of a second person.
type fourEyes struct{ *installed }

func installFourEyes(t *testing.T) *fourEyes {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is not on this machine")
	}
	m := &fourEyes{install(t, 20)}
	m.write("four-eyes", recipe(t, "four-eyes"))
	for _, person := range []string{"anna", "mallory"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", m.file(person)).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	key, err := os.ReadFile(m.file("anna.pub"))
	require.NoError(t, err)
	m.write("approvers", `anna@example.com namespaces="bulkonboard" `+string(key))
	return m
}

func (m *fourEyes) do(what string) (string, int) {
	return m.sh("sh " + m.file("four-eyes") + " " + what)
}

func (m *fourEyes) plan() string {
	out, code := m.do("plan")
	require.Zero(m.t, code, out)
	return out
}

// sign signs the plan as a person does, for a purpose.
func (m *fourEyes) sign(person, purpose string) {
	_ = os.Remove(m.file("plan.json.sig")) // ssh-keygen would ask
	out, err := exec.Command("ssh-keygen", "-q", "-Y", "sign", "-f", m.file(person), "-n", purpose, m.file("plan.json")).CombinedOutput()
	require.NoError(m.t, err, string(out))
}

// requireRefused checks that a run is refused before anybody is called.
func (m *fourEyes) requireRefused(why string) {
	out, code := m.do("run")
	require.Equal(m.t, cli.ExitRefused, code, out)
	require.Contains(m.t, out, why)
	require.Zero(m.t, m.service.Stats().Calls)
	require.Empty(m.t, m.results())
}

// results are the results files that are there, by the names of their days.
func (m *fourEyes) results() []string {
	names, err := filepath.Glob(m.file("results/results-*.csv"))
	require.NoError(m.t, err)
	return names
}

// change changes a file.
func (m *fourEyes) change(name, from, to string) {
	b, err := os.ReadFile(m.file(name))
	require.NoError(m.t, err)
	changed := strings.Replace(string(b), from, to, 1)
	require.NotEqual(m.t, string(b), changed)
	m.write(name, changed)
}

func TestARunBeginsAsASecondPersonHasSignedItAndNotOtherwise(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	m := installFourEyes(t)
	m.requireRefused("there is no ")
	plan := m.plan()
	assert.Contains(t, plan, `"calls":20,"mailed":0,"duplicates":0,"invalid":0`)
	assert.NotContains(t, plan, canarySecret)
	m.requireRefused("is not signed")

	m.sign("mallory", "bulkonboard")
	m.requireRefused("a key that is not in")
	m.sign("anna", "mail")
	m.requireRefused("the signature is not of this")

	m.sign("anna", "bulkonboard")
	m.change("plan.json", `"mailed":0`, `"mailed":7`)
	m.requireRefused("the signature is not of this")
	m.plan() // the same again
	m.change("customers.csv", "First1,", "Fury1,")
	m.requireRefused("a run would not do what is signed")
	m.change("customers.csv", "Fury1,", "First1,")
	m.change("job.yaml", "rate: 50", "rate: 50\nset: [sendEmail=true]")
	m.requireRefused("a run would not do what is signed")
	m.change("job.yaml", "set: [sendEmail=true]", "duplicates: send")
	m.requireRefused("a run would not do what is signed")
	m.change("job.yaml", "\nduplicates: send", "")

	out, code := m.do("run")
	require.Zero(t, code, out)
	assert.Contains(t, out, "approved by anna@example.com")
	assert.Len(t, m.results(), 1)
	assert.EqualValues(t, 20, m.service.Stats().Calls)
	assert.NotContains(t, out, canarySecret)
}

func TestARunThatIsSignedGoesOnAfterAnInterruption(t *testing.T) {
	m := installFourEyes(t)
	m.change("job.yaml", "rate: 50", "rate: 50\nmaxCalls: 12")
	m.plan()
	m.sign("anna", "bulkonboard")
	out, code := m.do("run")
	require.Equal(t, cli.ExitStopped, code, out)
	m.change("customers.csv", "First20,", "Fury20,")
	out, code = m.do("run")
	require.Equal(t, cli.ExitRefused, code, out)
	m.change("customers.csv", "Fury20,", "First20,")
	out, code = m.do("run")
	require.Zero(t, code, out)
	assert.EqualValues(t, 20, m.service.Stats().Calls)
	assert.Zero(t, m.service.Stats().RepeatedCalls)
}

func TestAPlanIsOfAServiceThatIsReady(t *testing.T) {
	m := installFourEyes(t)
	m.change("job.yaml", "tenantId: TENANT", "tenantId: OTHER")
	out, code := m.do("plan")
	assert.Equal(t, cli.ExitRefused, code)
	assert.Contains(t, out, "the tenant was refused")
	assert.NoFileExists(t, m.file("plan.json"))
}
