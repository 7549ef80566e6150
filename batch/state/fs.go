package state

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FS is the part of a file system that the state needs. Names are paths. It
// is safe for concurrent use. Errors of a missing file satisfy
// errors.Is(err, fs.ErrNotExist).
type FS interface {
	// OpenFile opens a file as os.OpenFile does.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Rename puts a file in the place of another, or of none, at once.
	Rename(from, to string) error
	// Link gives a file a second name, which nothing may have: otherwise the
	// error satisfies errors.Is(err, fs.ErrExist).
	Link(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// MkdirAll makes a folder and those above it. One that is there already,
	// and may be another user's trap, is a *PlantedError.
	MkdirAll(name string, perm fs.FileMode) error
	// ReadDir lists the names in a folder, sorted.
	ReadDir(name string) ([]string, error)
	// Size is the length of a file in bytes.
	Size(name string) (int64, error)
	// SyncDir makes durable which names a folder has.
	SyncDir(name string) error
	// Lock takes the lock on a file, or returns errHeld at once.
	Lock(name string) (Lock, error)
}

// File is an open file. It is used by one goroutine, but for Sync.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	Truncate(size int64) error
	// Sync makes durable what was written. An error is final: what was
	// written may be gone, whatever a second call says.
	Sync() error
}

// IOError is a file operation that failed. What is durable stays valid.
type IOError struct {
	Op   string
	Path string
	Err  error
}

// Error names the file and the next step.
func (e *IOError) Error() string {
	return fmt.Sprintf("%s %s: %v; make room or fix the disk, then run the same command again to resume", e.Op, e.Path, e.Err)
}

// Unwrap returns what went wrong.
func (e *IOError) Unwrap() error { return e.Err }

func ioError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if errors.As(err, new(*IOError)) || errors.As(err, new(*PlantedError)) || errors.As(err, new(*NoLockError)) {
		return err // it says what to do
	}
	var inner *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &inner):
		err = inner.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &IOError{Op: op, Path: path, Err: err}
}

// OS is the real file system.
type OS struct{}

// OpenFile implements FS. It does not write through a symbolic link.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		flag |= noFollow
	}
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, unlessLink(name, err)
	}
	return f, nil
}

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Link implements FS.
func (OS) Link(from, to string) error { return os.Link(from, to) }

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// MkdirAll implements FS.
func (OS) MkdirAll(name string, perm fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), perm); err != nil {
		return err
	}
	err := os.Mkdir(name, perm)
	if errors.Is(err, fs.ErrExist) {
		return CheckOwn(name)
	}
	return err
}

// ReadDir implements FS.
func (OS) ReadDir(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// Size implements FS.
func (OS) Size(name string) (int64, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// SyncDir implements FS.
func (OS) SyncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// readFile reads a whole file.
func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// replaceFile puts a durable file in the place of name.
func replaceFile(fsys FS, name string, content []byte) error {
	return Replace(fsys, name, bytes.NewReader(content))
}

// Replace does the same with what a reader gives: temp, fsync, rename, fsync of
// the folder. The file has mode 0600. A crash before the rename leaves the old
// file, and a temp that the next call overwrites; after it, the new one.
func Replace(fsys FS, name string, content io.Reader) error {
	return writeTo(fsys, name, content, fsys.Rename)
}

// Create does so where nothing stands: otherwise the error satisfies
// errors.Is(err, fs.ErrExist), and nothing has changed.
func Create(fsys FS, name string, content io.Reader) error {
	return writeTo(fsys, name, content, func(from, to string) error { return linkNew(fsys, from, to) })
}

func writeTo(fsys FS, name string, content io.Reader, place func(from, to string) error) error {
	temp := name + ".tmp"
	if err := writeFile(fsys, temp, content, true); err != nil {
		return err
	}
	if err := place(temp, name); err != nil {
		return ioError("create", name, errors.Join(err, unlessGone(fsys.Remove(temp))))
	}
	return ioError("sync", filepath.Dir(name), fsys.SyncDir(filepath.Dir(name)))
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// linkNew moves a file to a place where nothing stands. The new name is durable
// before the old one goes: a power cut could keep the removal alone. Some file
// systems have no second names; there it is looked whether something stands, and
// what comes in between is lost.
func linkNew(fsys FS, from, to string) error {
	err := fsys.Link(from, to)
	switch {
	case err == nil:
		if err := fsys.SyncDir(filepath.Dir(to)); err != nil {
			return err
		}
		return fsys.Remove(from)
	case !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EMLINK):
		return err
	}
	if _, there := fsys.Size(to); !errors.Is(there, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, there)
	}
	return fsys.Rename(from, to)
}

// writeFile writes a new file whole and, where that is asked for, makes its
// content durable, but not its name. What an earlier process left under that
// name goes first: written into, it would stay whatever it is, another user's
// perhaps.
func writeFile(fsys FS, name string, content io.Reader, durable bool) error {
	const fresh = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := fsys.OpenFile(name, fresh, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err = fsys.Remove(name); err == nil {
			f, err = fsys.OpenFile(name, fresh, 0o600)
		}
	}
	if err != nil {
		return ioError("create", name, err)
	}
	_, err = io.Copy(f, content)
	if err == nil && durable {
		err = f.Sync()
	}
	return ioError("write", name, errors.Join(err, f.Close()))
}
