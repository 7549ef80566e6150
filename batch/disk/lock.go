package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/gofrs/flock"
)

// ErrHeld is what FS.Lock returns for a lock that another process holds.
var ErrHeld = errors.New("the lock is held")

// Lock is a lock that this process has on a file.
type Lock interface {
	// Unlock lets go of it. The file stays.
	Unlock() error
	// Remove lets go of it and removes the file. No caller ever believes
	// that it has a lock which another has, too.
	Remove() error
}

// NoLockError says that a file system has no locks, without which two runs could
// write the same files.
type NoLockError struct {
	Path string
	Err  error
}

// Error names the place and the way out.
func (e *NoLockError) Error() string {
	return fmt.Sprintf("lock %s: this file system cannot lock (%v); put the output on a local disk", e.Path, e.Err)
}

// Unwrap returns what went wrong.
func (e *NoLockError) Unwrap() error { return e.Err }

// Lock implements FS with flock(2): the lock dies with the process that holds
// it, so none is ever stale. Who holds a file may remove it; so a lock counts
// only when the file still has its name.
func (OS) Lock(name string) (Lock, error) {
	for {
		lock := flock.New(name, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDONLY|noFollow))
		held, err := lock.TryLock()
		switch {
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK):
			return nil, &NoLockError{Path: name, Err: err}
		case err != nil:
			return nil, unlessLink(name, err)
		case !held:
			return nil, ErrHeld
		case named(lock, name):
			return fileLock{lock}, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, err
		}
	}
}

// named reports whether the file that is locked has its name.
func named(lock *flock.Flock, name string) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(name)
	return err == nil && os.SameFile(locked, there)
}

// fileLock is a lock on a file.
type fileLock struct{ *flock.Flock }

// Remove implements Lock: the name goes first. A process that opened the file before
// that finds, once it has the lock, that the name is gone.
func (l fileLock) Remove() error {
	err := os.Remove(l.Path())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.Unlock())
}
