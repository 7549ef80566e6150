//go:build !windows

package state

import (
	"errors"
	"io/fs"
	"os"
)

// Remove implements Lock: the name goes first. Whoever opened the file before
// that finds, once it has the lock, that the name is gone.
func (l fileLock) Remove() error {
	err := os.Remove(l.Path())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.Unlock())
}
