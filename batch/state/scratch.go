package state

import (
	"errors"
	"io"
	"os"
)

// ScratchFile is a file that is thrown away: written from its beginning, then read
// anywhere.
type ScratchFile interface {
	io.Writer
	io.ReaderAt
}

// ScratchError is an *IOError of such a file, which has no name.
func ScratchError(op string, err error) error {
	return &IOError{Op: op, Path: "the scratch file", Err: err}
}

// MakeScratch makes a file for what must not outlive the process, such as a copy
// of a list: its name is taken off before anything is in it, so that the file is
// gone however the process ends. What an earlier version has left in its place
// goes first.
func MakeScratch(path string) (*os.File, error) {
	const fresh = os.O_RDWR | os.O_CREATE | os.O_EXCL | noFollow
	file, err := os.OpenFile(path, fresh, 0o600)
	if errors.Is(err, os.ErrExist) {
		if err = os.Remove(path); err == nil {
			file, err = os.OpenFile(path, fresh, 0o600)
		}
	}
	if err != nil {
		return nil, ioError("make the scratch file", path, err)
	}
	if err := os.Remove(path); err != nil {
		return nil, errors.Join(ioError("make the scratch file", path, err), file.Close())
	}
	return file, nil
}
