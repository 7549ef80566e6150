package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTLSIsSpokenWhenAskedForOrImplied(t *testing.T) {
	for name, test := range map[string]struct {
		flags serverFlags
		want  bool
	}{
		"nothing asked": {serverFlags{}, false},
		"asked":         {serverFlags{useTLS: true}, true},
		"an API key":    {serverFlags{keyFile: "key"}, true},
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
	_, err := (&serverFlags{certFile: file, certKeyFile: file}).tlsConfig()
	assert.ErrorContains(t, err, "--tls-cert-file")
	_, err = (&serverFlags{serverCA: file}).tlsConfig()
	assert.ErrorContains(t, err, "--tls-ca-file")
	_, err = readKey(file)
	assert.ErrorContains(t, err, "is empty")
	require.NoError(t, os.WriteFile(file, []byte(" key\n"), 0o600))
	key, err := readKey(file)
	require.NoError(t, err)
	assert.Equal(t, "key", key)
}
