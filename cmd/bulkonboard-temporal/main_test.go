package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"bulkonboard/cmd/internal/cli"
)

// typed runs the program, which must not get as far as a server.
func typed(args ...string) (code int, said string) {
	var out bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &out)
	return code, out.String()
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	code, said := typed("submit", "--input", "-", "--heartbeat", "10s", "--timeout", "4s", "--quota", "a b", "--tls-cert-file", "x")
	assert.Equal(t, cli.ExitUsage, code)
	for _, part := range []string{
		"--store is missing", "--base-url is missing", "--tenant-id is missing", "--rate is", "--timeout is 4s; with --heartbeat 10s it takes 3s at most",
		"--input is standard input", "--quota is", "--tls-cert-file and --tls-key-file go together",
	} {
		assert.Contains(t, said, part)
	}
}

func TestWhatIsWrongIsSaidBeforeAnythingIsReached(t *testing.T) {
	t.Setenv(cli.SecretVariable, "secret")
	folder := t.TempDir()
	list := filepath.Join(folder, "list.csv")
	require.NoError(t, os.WriteFile(list, []byte(listOf(3)), 0o600))
	target := []string{"--store", folder, "--base-url", "https://x.example", "--app-id", "a", "--tenant-id", "t", "--form-id", "f", "--rate", "1"}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"an output that is there": {append([]string{"submit", "-i", list, "-o", list}, target...), "exists; name another file, or replace it"},
		"both inputs":             {append([]string{"submit", "-i", list, "--store-input", "x"}, target...), "contradict"},
		"a job's name":            {append([]string{"submit", "-i", list, "--job", "a/b"}, target...), "the job's name"},
		"one file":                {append([]string{"submit", "-i", list, "-o", "a", "--rejects", "a"}, target...), "one file"},
		"no store":                {[]string{"worker", "--store", filepath.Join(folder, "none"), "--base-url", "https://x.example", "--app-id", "a"}, "--store: the shared folder"},
		"slots":                   {[]string{"worker", "--store", folder, "--slots", "0"}, "--slots is 0"},
		"a build of nothing":      {[]string{"worker", "--store", folder, "--build-id", "2"}, "--build-id without --deployment"},
		"statuses":                {[]string{"retry", "x", "--store", folder, "--only", "ok"}, "--only is"},
		"a pattern":               {append([]string{"schedule", "create", "x", "--cron", "1 4 * * *", "--store-input", "%q"}, target...), "none of %Y"},
		"a time zone":             {append([]string{"schedule", "create", "x", "--cron", "1 4 * * *", "--store-input", "a", "--time-zone", "Mars"}, target...), "--time-zone"},
		"no job":                  {[]string{"status", "a", "b", "--store", folder}, "see bulkonboard-temporal status --help"},
		"an unknown command":      {[]string{"submitt"}, "there is no command submitt; did you mean"},
	} {
		t.Run(name, func(t *testing.T) {
			code, said := typed(test.args...)
			assert.Equal(t, cli.ExitUsage, code)
			assert.Contains(t, said, test.want)
		})
	}
}

func TestAServerThatIsNotThereIsSaid(t *testing.T) {
	code, said := typed("status", "--store", t.TempDir(), "--address", "127.0.0.1:1")
	assert.Equal(t, cli.ExitStopped, code)
	assert.Contains(t, said, "the Temporal server at 127.0.0.1:1 cannot be used")
	assert.Contains(t, said, "check --address")
}

func TestAWorkerCallsOnlyTheServiceItIsToldOf(t *testing.T) {
	s := workerSettings{baseURL: "https://ours.example", appID: "app"}
	r := newSite(t).request()
	for _, other := range [][2]string{
		{"https://theirs.example", "app"}, {"https://ours.example", "another"}, {"https://ours.example/x", "app"},
		{"https://ours.example:8443", "app"}, {"http://ours.example:443", "app"},
	} {
		r.Job.Service.BaseURL, r.Job.Service.AppID = other[0], other[1]
		_, _, err := s.serviceFor(&r.Job)
		var unfit *misfitError
		require.ErrorAs(t, err, &unfit, other)
		assert.Contains(t, err.Error(), identity())
		assert.NotContains(t, asFailure(err).Error(), "example", "this goes through Temporal")
		var failed *temporal.ApplicationError
		require.ErrorAs(t, asFailure(err), &failed)
		assert.False(t, failed.NonRetryable(), "another worker may fit")
		assert.Equal(t, misfitDelay, failed.NextRetryDelay(), "and is not waited for longer and longer")
	}
}

// fakeWorker is a worker that starts or does not.
type fakeWorker struct {
	worker.Worker
	fails error
	at    bool
}

func (h *fakeWorker) Start() error { h.at = h.fails == nil; return h.fails }
func (h *fakeWorker) Stop()        { h.at = false }

func TestAWorkerStartsWholeOrNotAtAll(t *testing.T) {
	first, second := &fakeWorker{}, &fakeWorker{}
	require.NoError(t, startAll([]worker.Worker{first, second}))
	assert.True(t, first.at && second.at)
	second.fails = errors.New("no such namespace")
	assert.ErrorIs(t, startAll([]worker.Worker{first, second}), second.fails)
	assert.False(t, first.at)
}

func TestAnAddressHasOneSpelling(t *testing.T) {
	for _, spelled := range []string{"https://ours.example", "HTTPS://Ours.Example/", "https://ours.example:443", "https://ours.example:443//"} {
		assert.Equal(t, "https://ours.example", addressOf(spelled))
		assert.Equal(t, "ours.example-app", quotaOf(spelled, "app"))
	}
	assert.Equal(t, "http://[::1]", addressOf("http://[::1]:80/"))
	assert.Equal(t, "https://ours.example:8443/Path", addressOf("https://ours.example:8443/Path/"))
	assert.NotEqual(t, quotaOf("https://ours.example:8443", "app"), quotaOf("https://ours.example", "app"))
}

func TestEveryCommandHasHelpAndPathsAreMarked(t *testing.T) {
	for _, c := range rootCommand().Commands() {
		assert.NotEmpty(t, c.Short, c.Name())
		for _, sub := range append(c.Commands(), c) {
			code, said := typed(append(strings.Fields(sub.CommandPath())[1:], "--help")...)
			assert.Equal(t, cli.ExitOK, code)
			assert.NotEmpty(t, said)
		}
	}
}
