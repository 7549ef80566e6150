package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// What went wrong with a file, and what a person does about it.

// Cause is what went wrong, without the step and the file that the system names.
func Cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// Absent reports that there is no such file: also where what should be its folder
// is a file.
func Absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// Remedy is what a person does about an operation on a file that failed.
func Remedy(err error) string {
	switch {
	case Absent(err):
		return "check that it is there, then run the same command again"
	case errors.Is(err, syscall.EISDIR):
		return "name a file, or move the folder away"
	case errors.Is(err, fs.ErrPermission):
		return "check who may read and write it and its folder, then run the same command again"
	}
	return "make room or fix the disk, then run the same command again"
}
