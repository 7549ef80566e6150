package state

import (
	"errors"
	"io"
	"os"

	"bulkonboard/batch/disk"
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
	file, err := disk.OpenNew(disk.OS{}, path, os.O_RDWR)
	if err == nil {
		if err = os.Remove(path); err == nil {
			return file.(*os.File), nil // which a file of OS is
		}
		err = errors.Join(err, file.Close())
	}
	return nil, ioError("make the scratch file", path, err)
}
