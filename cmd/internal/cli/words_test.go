package cli

import (
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANameIsQuotedAsAShellReadsIt(t *testing.T) {
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	for _, word := range []string{"list.csv", "", "it's", "São Paulo.csv", "a\x1b]0;x\x07b", "\u009b31m", "\u202ecsv.'exe\\", "two\nlines", "\xff"} {
		quoted := Quoted(word)
		assert.False(t, strings.ContainsFunc(quoted, func(r rune) bool { return unicode.Is(unicode.C, r) }), "%q", quoted)
		out, err := exec.Command(bash, "-c", "printf %s "+quoted).Output()
		require.NoError(t, err)
		assert.Equal(t, word, string(out))
		assert.NotContains(t, OneLine(word), "\u202e")
	}
}
