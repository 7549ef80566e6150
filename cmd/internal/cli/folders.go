package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"bulkonboard/batch/disk"
)

// CheckFolder finds what is wrong with the folder in which a flag names a file to
// write: a mistyped folder is not created, and one that may not be written to is
// named before any work is done.
func CheckFolder(p *Problems, flag, path string) {
	if path == "" || path == standardInput {
		return
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case disk.Absent(err):
		p.Add(fmt.Sprintf("--%s: there is no folder %s; create it, or choose another --%s", flag, OneLine(folder), flag))
	case errors.Is(err, fs.ErrPermission):
		p.Add(fmt.Sprintf("--%s: you may not read the folder %s; choose another --%s", flag, OneLine(folder), flag))
	case err != nil:
		return // the file cannot be created either, and that error says more
	case !info.IsDir():
		p.Add(fmt.Sprintf("--%s: %s is a file and not a folder; choose another --%s", flag, OneLine(folder), flag))
	case unix.Access(folder, unix.W_OK|unix.X_OK) != nil:
		p.Add(fmt.Sprintf("--%s: you may not write to %s; choose another --%s", flag, OneLine(folder), flag))
	}
}

// CannotRead says why the file that a flag names cannot be read, and what to do.
func CannotRead(flag, path string, err error) string {
	name := OneLine(path)
	switch {
	case disk.Absent(err):
		return fmt.Sprintf("--%s: there is no file %s; check the name", flag, name)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Sprintf("--%s: %s is a folder; name a file in it", flag, name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("--%s: you may not read %s; check who may read it and its folder", flag, name)
	}
	return fmt.Sprintf("--%s: %s cannot be read: %v", flag, name, disk.Cause(err))
}
