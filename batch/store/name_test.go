package store

import (
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What passes stays within the store, on every file system, and means one
// object only.
func FuzzANameThatPassesStaysInTheStore(f *testing.F) {
	for _, name := range []string{"a", "chunk-000012/seg-1.jsonl", "a/../b", "..", "/a", "a//b", ".tmp/x", "a\\..\\b", "date=2026-11-23/x", "C:/a", "a/", "ä"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		assert.True(t, filepath.IsLocal(filepath.FromSlash(name)))
		assert.Equal(t, name, path.Clean(name))
		assert.NotContains(t, "/"+name, "/.")
		assert.LessOrEqual(t, len(name), maxName)
		for i := range name {
			if err := CheckPrefix(name[:i]); err != nil {
				t.Fatal("a name begins with what is not a prefix:", err)
			}
		}
	})
}
