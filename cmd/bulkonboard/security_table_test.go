package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheSecurityTableNamesTestsThatExist, so that no promise of the manual
// outlives its proof.
func TestTheSecurityTableNamesTestsThatExist(t *testing.T) {
	section, _, found := strings.Cut(pageText("security"), "\n## ")
	require.True(t, found)
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`").FindAllStringSubmatch(section, -1)
	assert.Greater(t, len(named), 15)
	var tests strings.Builder
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		tests.Write(b)
		return err
	}))
	for _, name := range named {
		assert.Contains(t, tests.String(), "\nfunc "+name[1]+"(", "the page names it")
	}
	for row := range strings.Lines(section) {
		if strings.HasPrefix(row, "| ") && !strings.HasPrefix(row, "| --") && !strings.HasPrefix(row, "| promise") {
			assert.Regexp(t, "`(Test|Fuzz|\\.ci/|gosec)", row, "every promise has its proof")
		}
	}
}
