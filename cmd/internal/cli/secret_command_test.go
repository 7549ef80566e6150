package cli

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACommandIsSplitAsAShellWould(t *testing.T) {
	t.Setenv("MOUNT", "kv/of two words")
	for text, want := range map[string][]string{
		"cat -field=secret kv/kyc":    {"cat", "-field=secret", "kv/kyc"},
		`cat "$MOUNT" '$MOUNT' a\ b`:  {"cat", "kv/of two words", "$MOUNT", "a b"},
		"cat \"it's\" ''\n":           {"cat", "it's", ""},
		"cat ${NONE-none} *.go {a,b}": {"cat", "none", "*.go", "a", "b"},
	} {
		fields, err := commandOf(text)
		require.NoError(t, err, text)
		assert.Equal(t, want[0], filepath.Base(fields[0]))
		assert.Equal(t, want[1:], fields[1:])
	}
}

func FuzzACommandIsAProgramOrAnError(f *testing.F) {
	f.Add("cat 'a b' $X")
	f.Add("cat $((1/0)) ${x:=y} <(z)")
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := commandOf(text)
		assert.Equal(t, err == nil, len(fields) > 0)
	})
}

// TestACommandThatHangsIsEnded though what it has started continues.
func TestACommandThatHangsIsEnded(t *testing.T) {
	words, err := commandOf(`sh -c "echo secret; sleep 30 & wait"`)
	require.NoError(t, err)
	began := time.Now()
	secret, err := secretBy(t.Context(), words, io.Discard, 50*time.Millisecond)
	require.ErrorContains(t, err, "had not ended after 50ms")
	assert.Empty(t, secret)
	assert.Less(t, time.Since(began), 20*time.Second)
}

func TestACommandMayLeaveSomethingRunning(t *testing.T) {
	words, err := commandOf(`sh -c "cat /dev/zero | sleep 5 & echo secret"`)
	require.NoError(t, err)
	secret, err := secretBy(t.Context(), words, io.Discard, commandTime)
	require.NoError(t, err)
	assert.Equal(t, "secret", secret.Reveal())
}

func TestACommandIsNotGivenTheSecretOfTheEnvironment(t *testing.T) {
	t.Setenv(SecretVariable, "an old secret")
	words, err := commandOf("env")
	require.NoError(t, err)
	_, err = secretBy(t.Context(), words, io.Discard, commandTime)
	require.ErrorContains(t, err, "more than one line")
	words, err = commandOf(`sh -c 'echo x"$` + SecretVariable + `"'`)
	require.NoError(t, err)
	secret, err := secretBy(t.Context(), words, io.Discard, commandTime)
	require.NoError(t, err)
	assert.Equal(t, "x", secret.Reveal())
	assert.NotEmpty(t, os.Getenv(SecretVariable))
}
