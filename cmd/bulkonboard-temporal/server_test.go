package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
)

func TestTLSIsSpokenWhenAskedForOrImplied(t *testing.T) {
	for name, test := range map[string]struct {
		flags *serverFlags
		want  bool
	}{
		"nothing asked": {&serverFlags{}, false},
		"asked":         {&serverFlags{useTLS: true}, true},
		"an API key":    {&serverFlags{keyFile: "key"}, true},
		"another name":  {&serverFlags{serverName: "temporal.internal"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := test.flags.tlsConfig()
			require.NoError(t, err)
			assert.Equal(t, test.want, c != nil)
		})
	}
}

func TestFilesForTheServerThatAreNoUseAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err := (&serverFlags{serverCA: file}).tlsConfig()
	assert.ErrorContains(t, err, "--tls-ca-file")
	for says, flags := range map[string][]string{
		"--tls-key-file names a file that is empty":       {"--tls-cert-file", file, "--tls-key-file", file},
		"the file named by --tls-key-file does not exist": {"--tls-cert-file", file, "--tls-key-file", "CANARY-key"},
		"--api-key-file names a file that is empty":       {"--api-key-file", file},
		"the file named by --api-key-file does not exist": {"--api-key-file", "CANARY-key"},
	} {
		code, said := typed(append([]string{"status", "job", "--store", t.TempDir()}, flags...)...)
		assert.Equal(t, cli.ExitUsage, code)
		assert.Contains(t, said, says)
		assert.NotContains(t, said, "CANARY")
	}
	require.NoError(t, os.WriteFile(file, []byte("key\n"), 0o600))
	require.NoError(t, os.Chmod(file, 0o644))
	for _, flags := range [][]string{{"--api-key-file", file}, {"--tls-cert-file", file, "--tls-key-file", file}} {
		code, said := typed(append([]string{"status", "job", "--store", t.TempDir()}, flags...)...)
		assert.Equal(t, cli.ExitUsage, code)
		assert.Contains(t, said, "chmod 600")
	}
}

// TestAServerOnAnotherMachineIsSpokenToByTLSUnlessToldOtherwise and so is a
// bucket.
func TestAServerOnAnotherMachineIsSpokenToByTLSUnlessToldOtherwise(t *testing.T) {
	for _, here := range []string{"localhost:7233", "127.0.0.1:7233", "[::1]:7233", "unix:///run/temporal", "dns:///localhost:7233"} {
		assert.True(t, isHere(here), here)
	}
	for _, address := range []string{"temporal:7233", "10.0.0.1:7233", "0.0.0.0:7233", "dns:///temporal:7233", "localhost.example.com:7233", "temporal"} {
		assert.False(t, isHere(address), address)
		code, said := typed("status", "job", "--store", t.TempDir(), "--address", address)
		assert.Equal(t, cli.ExitUsage, code)
		assert.Contains(t, said, "add --tls, or --tls=false")
	}
	code, said := typed("status", "job", "--store", t.TempDir(), "--address", "256.0.0.1:1", "--tls=false")
	assert.NotEqual(t, cli.ExitUsage, code, said)
	code, said = typed("status", "job", "--store", t.TempDir(), "--tls=false", "--tls-ca-file", "x")
	assert.Equal(t, cli.ExitUsage, code)
	assert.Contains(t, said, "contradicts")
	code, said = typed("status", "job", "--store", "s3://lists/a?endpoint=http://minio:9000")
	assert.Equal(t, cli.ExitUsage, code)
	assert.Contains(t, said, "add &insecure=true")
}
