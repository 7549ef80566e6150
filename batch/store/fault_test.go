package store

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
)

// trial is the real file system, of which one operation fails.
type trial struct {
	disk.OS
	root   string
	failAt int // from 1
	err    error
	late   bool // it takes effect all the same
	done   []string
}

// do counts an operation and does it, or not.
func (f *trial) do(op, path string, what func() error) error {
	rel, _ := filepath.Rel(f.root, path)
	f.done = append(f.done, op+" "+filepath.ToSlash(rel))
	if len(f.done) != f.failAt {
		return what()
	}
	if f.late {
		_ = what()
	}
	return f.err
}

func (f *trial) OpenFile(path string, flag int, perm fs.FileMode) (disk.File, error) {
	var made disk.File
	err := f.do("create", path, func() (err error) {
		made, err = f.OS.OpenFile(path, flag, perm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &trialFile{File: made, trial: f, path: path}, nil
}

func (f *trial) Link(from, to string) error {
	return f.do("link", to, func() error { return f.OS.Link(from, to) })
}

func (f *trial) Remove(path string) error {
	return f.do("remove", path, func() error { return f.OS.Remove(path) })
}

func (f *trial) Mkdir(path string) error {
	return f.do("mkdir", path, func() error { return f.OS.Mkdir(path) })
}

func (f *trial) SyncDir(path string) error {
	return f.do("syncdir", path, func() error { return f.OS.SyncDir(path) })
}

type trialFile struct {
	disk.File
	trial *trial
	path  string
}

// Write takes a part when it fails: a full disk does.
func (f *trialFile) Write(b []byte) (n int, err error) {
	err = f.trial.do("write", f.path, func() error {
		n, err = f.File.Write(b)
		return err
	})
	if err != nil && n == 0 {
		n, _ = f.File.Write(b[:len(b)/2])
	}
	return n, err
}

func (f *trialFile) Sync() error { return f.trial.do("sync", f.path, f.File.Sync) }

func (f *trialFile) Close() error { return f.trial.do("close", f.path, f.File.Close) }

// openTrial opens a store in a folder whose file system is on trial.
func openTrial(t *testing.T, root string, f *trial) *Dir {
	t.Helper()
	d, err := Open(root)
	require.NoError(t, err)
	f.root = root
	d.fsys = f
	return d
}

func TestANameIsGivenToWhatIsDurableAndIsDurableItself(t *testing.T) {
	root, f := t.TempDir(), &trial{}
	d := openTrial(t, root, f)
	require.NoError(t, d.Put(t.Context(), "a/b/c", []byte("x")))
	temp := regexp.MustCompile(`\.tmp/\w+`)
	for i, op := range f.done {
		f.done[i] = temp.ReplaceAllString(op, "temp")
	}
	assert.Equal(t, []string{
		"create temp", "write temp", "sync temp", "close temp",
		"mkdir a", "syncdir .", "mkdir a/b", "syncdir a",
		"link a/b/c", "syncdir a/b", "remove temp",
	}, f.done)

	f.done = nil
	require.NoError(t, d.Put(t.Context(), "a/b/d", []byte("x")))
	assert.NotContains(t, f.done, "syncdir a", "once a process")

	again := &trial{}
	require.NoError(t, openTrial(t, root, again).Put(t.Context(), "a/b/e", []byte("x")))
	assert.Contains(t, again.done, "syncdir a", "who made the folder may have died before that")

	f.done = nil
	require.NoError(t, d.Delete(t.Context(), "a/b/d"))
	assert.Equal(t, []string{"remove a/b/d", "syncdir a/b"}, f.done)
}

// Whatever fails, there is the whole object or none, and the next process can
// continue.
func TestAFailedPutLeavesAWholeObjectOrNone(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			root, f := t.TempDir(), &trial{failAt: n, err: syscall.EIO, late: late}
			err := openTrial(t, root, f).PutFrom(t.Context(), "a/b", bytes.NewReader(content), int64(len(content)))
			if len(f.done) < n {
				require.NoError(t, err)
				assert.Greater(t, n, 8, "the operations were counted")
				break
			}
			checkAfterFault(t, root, f.done[n-1], err, content)
		}
	}
}

func checkAfterFault(t *testing.T, root, op string, err error, content []byte) {
	t.Helper()
	require.NotErrorIs(t, err, ErrExists, op)
	d, openErr := Open(root)
	require.NoError(t, openErr)
	found, getErr := ReadAll(t.Context(), d, "a/b", 1<<20)
	switch {
	case getErr == nil:
		require.Equal(t, content, found, op)
		require.ErrorIs(t, d.Put(t.Context(), "a/b", []byte("x")), ErrExists, op)
	case err == nil:
		require.NoError(t, getErr, "a put that succeeded left nothing: %s failed", op)
	default:
		require.ErrorIs(t, getErr, fs.ErrNotExist, op)
		require.ErrorIs(t, err, syscall.EIO, op)
		require.NoError(t, d.Put(t.Context(), "a/b", content), op)
	}
}

// The server of a network file system may link, and its answer be lost: asked
// again, it says that the name is taken, and it is, by us.
func TestALinkThatWasMadeIsOursWhateverTheErrorSays(t *testing.T) {
	for _, err := range []error{syscall.EEXIST, syscall.EIO, syscall.ETIMEDOUT} {
		d := openTrial(t, t.TempDir(), &trial{failAt: 5, err: err, late: true}) // the link
		require.NoError(t, d.Put(t.Context(), "a", []byte("x")))
	}
}

func TestAFileSystemWithoutLinksIsSaidToHaveNone(t *testing.T) {
	for _, err := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS} {
		d := openTrial(t, t.TempDir(), &trial{failAt: 5, err: err})
		err := d.Put(t.Context(), "a", []byte("x"))
		require.ErrorContains(t, err, "gives no hard links")
		assert.NotErrorIs(t, err, errors.ErrUnsupported)
	}
}

func TestAFullDiskIsNamedWithItsFolder(t *testing.T) {
	root := t.TempDir()
	d := openTrial(t, root, &trial{failAt: 2, err: &fs.PathError{Op: "write", Path: "/secret/temp", Err: syscall.ENOSPC}})
	err := d.Put(t.Context(), "a", []byte("x"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.EqualError(t, err, "write a in "+root+": "+syscall.ENOSPC.Error())
}
