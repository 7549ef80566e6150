package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
	"bulkonboard/batch/store/storetest"
)

func openDir(t *testing.T) store.Store {
	t.Helper()
	d, err := store.Open(t.TempDir())
	require.NoError(t, err)
	return d
}

func TestASharedFolderIsAStore(t *testing.T) { storetest.Run(t, openDir) }

func TestAFolderThatIsNotThereIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not-mounted")
	_, err := store.Open(path)
	require.ErrorContains(t, err, "mount or make it first")
	assert.NoFileExists(t, path)
}

func TestAnAddressThatIsNoFolderIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for address, says := range map[string]string{
		"":               "give the path",
		"s3://bucket/a":  "no store for s3 addresses",
		"gs://bucket/a":  "no store for gs addresses",
		file:             "is a file",
		file + "/folder": "cannot be used",
	} {
		_, err := store.Open(address)
		assert.ErrorContains(t, err, says, address)
	}
}

func TestAStoreThatIsUnmountedIsNotEmpty(t *testing.T) {
	root := t.TempDir()
	s, err := store.Open(root)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(root, ".tmp"))) // as if the folder below showed
	_, err = s.Get(t.Context(), "a", 0, -1)
	assert.ErrorContains(t, err, "mount it again")
	assert.NotErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, s.Delete(t.Context(), "a"), "mount it again")
	assert.ErrorContains(t, s.Put(t.Context(), "a", []byte("x")), "mount it again")
	for _, err := range s.List(t.Context(), "a/") {
		assert.ErrorContains(t, err, "mount it again")
	}
}

func TestAFolderAndAnObjectDoNotShareAName(t *testing.T) {
	s := openDir(t)
	require.NoError(t, s.Put(t.Context(), "a/b", []byte("x")))
	err := s.Put(t.Context(), "a", []byte("x"))
	require.ErrorContains(t, err, "begin with this one and a slash")
	assert.NotErrorIs(t, err, store.ErrExists)
	assert.Error(t, s.Put(t.Context(), "a/b/c", []byte("x")))
}

func TestObjectsAreForTheirOwnerOnly(t *testing.T) {
	root := t.TempDir()
	s, err := store.Open(root)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), "a/b", []byte("x")))
	for name, mode := range map[string]os.FileMode{"a": os.ModeDir | 0o700, "a/b": 0o600, ".tmp": os.ModeDir | 0o700} {
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), name)
	}
}

func TestFilesThatAreNoObjectsAreNotListed(t *testing.T) {
	root := t.TempDir()
	s, err := store.Open(root)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), "a/b", []byte("x")))
	for _, name := range []string{".nfs0001", "a/.hidden", "lost+found", ".tmp/left"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o600))
	}
	var names []string
	for o, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		names = append(names, o.Name)
	}
	assert.Equal(t, []string{"a/b"}, names)
}

func TestWhatADeadWriterLeftGoesAfterADay(t *testing.T) {
	root := t.TempDir()
	_, err := store.Open(root)
	require.NoError(t, err)
	old, young := filepath.Join(root, ".tmp", "old"), filepath.Join(root, ".tmp", "young")
	for _, name := range []string{old, young} {
		require.NoError(t, os.WriteFile(name, []byte("a list"), 0o600))
	}
	past := time.Now().Add(-25 * time.Hour)
	require.NoError(t, os.Chtimes(old, past, past))
	_, err = store.Open(root)
	require.NoError(t, err)
	assert.NoFileExists(t, old)
	assert.FileExists(t, young)
}
