package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAWorkerRemovesWhatDeadOnesHaveLeft(t *testing.T) {
	below := t.TempDir()
	long := time.Now().Add(-time.Hour)
	alive, release, err := newScratch(below)
	require.NoError(t, err)
	left := map[string]bool{"dead": false, "new": true, "no lock": true, "a link": true}
	for name := range left {
		folder := filepath.Join(below, scratchPrefix+name)
		require.NoError(t, os.MkdirAll(filepath.Join(folder, "part-1"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "part-1", "list"), []byte(listOf(3)), 0o600))
		lock := filepath.Join(folder, scratchLock)
		switch name {
		case "a link":
			require.NoError(t, os.Symlink(filepath.Join(below, "elsewhere"), lock))
		case "no lock":
		default:
			require.NoError(t, os.WriteFile(lock, nil, 0o600))
		}
		if name == "dead" {
			require.NoError(t, os.Chtimes(lock, long, long))
		}
	}
	require.NoError(t, os.Chtimes(filepath.Join(alive, scratchLock), long, long))
	own, releaseOwn, err := newScratch(below)
	require.NoError(t, err)
	for name, stays := range left {
		_, err := os.Stat(filepath.Join(below, scratchPrefix+name))
		assert.Equal(t, stays, err == nil, name)
	}
	assert.DirExists(t, alive)
	assert.NoFileExists(t, filepath.Join(below, "elsewhere"))
	release()
	releaseOwn()
	assert.NoDirExists(t, alive)
	assert.NoDirExists(t, own)
}

func TestAScratchThatCannotBeMadeIsAnError(t *testing.T) {
	_, _, err := newScratch(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}
