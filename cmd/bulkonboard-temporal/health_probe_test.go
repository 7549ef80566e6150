package main

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// probing is a worker of a service, with its secret in a file.
func probing(t *testing.T, baseURL, secret string) (s *workerSettings, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret), 0o600))
	s = &workerSettings{}
	c := &cobra.Command{Use: "worker"}
	s.register(c)
	require.NoError(t, c.ParseFlags([]string{"--store", t.TempDir(), "--base-url", baseURL, "--app-id", "app", "--app-secret-file", file}))
	_, err := cli.Settle(c, s.check)
	require.NoError(t, err)
	v := &cli.Voice{People: io.Discard, Told: slog.New(slog.DiscardHandler)}
	_, err = s.access.Client(t.Context(), s.clientConfig(), v)
	require.NoError(t, err)
	return s, file
}

// jobOf is a job for a service.
func jobOf(baseURL string) *chunks.Job {
	j := &chunks.Job{Service: chunks.ServiceSettings{BaseURL: baseURL, AppID: "app", TenantID: "tenant", FormID: "form"}}
	j.Calls.Timeout, j.Calls.MaxInFlight = 10e9, 4
	return j
}

func TestAProbeSaysWhetherTheServiceAnswersTheWorkerAndCallsForNoCustomer(t *testing.T) {
	for name, test := range map[string]struct {
		options sandbox.Options
		gone    bool
		want    probed
	}{
		"it answers":           {options: sandbox.Options{AppSecret: "the-right-secret"}, want: probedWell},
		"it refuses":           {options: sandbox.Options{AppSecret: "another-secret"}, want: probedIll},
		"it is not there":      {gone: true, want: probedIll},
		"it has no such thing": {options: sandbox.Options{Token: sandbox.NoToken}, want: probedUnsure},
	} {
		t.Run(name, func(t *testing.T) {
			service := sandbox.New(test.options)
			server := httptest.NewServer(service)
			defer server.Close()
			if test.gone {
				server.Close()
			}
			s, _ := probing(t, server.URL, "the-right-secret")
			assert.Equal(t, test.want, s.probe(t.Context(), jobOf(server.URL)))
			assert.Zero(t, service.Stats().Calls)
		})
	}
}

func TestAProbeThatIsRefusedReadsTheSecretAgain(t *testing.T) {
	server := httptest.NewServer(sandbox.New(sandbox.Options{AppSecret: "the-new-secret"}))
	defer server.Close()
	s, file := probing(t, server.URL, "the-old-secret")
	assert.Equal(t, probedIll, s.probe(t.Context(), jobOf(server.URL)))
	require.NoError(t, os.WriteFile(file, []byte("the-new-secret"), 0o600))
	assert.Equal(t, probedWell, s.probe(t.Context(), jobOf(server.URL)))
}
