package disk

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReadFile reads a whole file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// Replace puts a durable file, of mode 0600, in the place of name. The error of its
// content is returned as it is. A crash before the rename leaves the old file, and a
// temporary one that the next call replaces; after it, the new one.
func Replace(fsys FS, name string, content func(io.Writer) error) error {
	return Via(fsys, name+".tmp", name, content, Rename)
}

// Create does so where nothing stands: otherwise the error satisfies
// errors.Is(err, fs.ErrExist), and nothing has changed.
func Create(fsys FS, name string, content func(io.Writer) error) error {
	return Via(fsys, name+".tmp", name, content, Move)
}

// Via writes a durable file under a temporary name, and places it by Rename or Move.
// After an error the temporary file is gone.
func Via(fsys FS, temp, name string, content func(io.Writer) error, place func(fsys FS, from, to string) error) error {
	err := Write(fsys, temp, content, true)
	if err == nil {
		err = place(fsys, temp, name)
	}
	if err != nil {
		_ = fsys.Remove(temp) // as far as it is there
	}
	return err
}

// Copy is the content that a reader gives.
func Copy(from io.Reader) func(io.Writer) error {
	return func(to io.Writer) error {
		_, err := io.Copy(to, from)
		return err
	}
}

// Rename puts a file, whose content is durable, in the place of another or of
// none, durably.
func Rename(fsys FS, from, to string) error {
	if err := fsys.Rename(from, to); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(to))
}

// Move does so where nothing stands: otherwise the error satisfies
// errors.Is(err, fs.ErrExist). The old name may outlive a crash beside the new
// one.
func Move(fsys FS, from, to string) error {
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
	return Rename(fsys, from, to)
}

// Write writes a new file whole and, where that is asked for, makes its content
// durable, but not its name. What an earlier process left under that name goes
// first: written into, it would stay whatever it is, another user's perhaps.
func Write(fsys FS, name string, content func(io.Writer) error, durable bool) error {
	f, err := OpenNew(fsys, name, os.O_WRONLY)
	if err != nil {
		return err
	}
	err = content(f)
	if err == nil && durable {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close())
}

// OpenNew makes a file, for its owner only, in the place of what stands there.
func OpenNew(fsys FS, name string, flag int) (File, error) {
	const fresh = os.O_CREATE | os.O_EXCL
	f, err := fsys.OpenFile(name, flag|fresh, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if err = fsys.Remove(name); err == nil {
			f, err = fsys.OpenFile(name, flag|fresh, 0o600)
		}
	}
	return f, err
}
