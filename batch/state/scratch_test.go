package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAScratchFileHasNoNameAndTakesNobodyElsesPlace(t *testing.T) {
	folder := t.TempDir()
	path, victim := filepath.Join(folder, "scratch"), filepath.Join(folder, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("kept"), 0o600))
	require.NoError(t, os.Symlink(victim, path))
	for range 2 { // after a link, and after nothing
		file, err := MakeScratch(path)
		require.NoError(t, err)
		_, err = file.WriteString("a list")
		require.NoError(t, err)
		assert.NoFileExists(t, path)
		require.NoError(t, file.Close())
	}
	kept, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "kept", string(kept))
	_, err = MakeScratch(filepath.Join(folder, "none", "scratch"))
	var failed *IOError
	require.ErrorAs(t, err, &failed)
}
