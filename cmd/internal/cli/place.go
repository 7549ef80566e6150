package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
)

// Place writes a file that is asked for, durably, whole or not at all, where nothing
// stands unless that is to be replaced.
func Place(fsys disk.FS, path string, replace bool, content func(io.Writer) error) error {
	put := disk.Create
	if replace {
		put = disk.Replace
	}
	err := put(fsys, path, content)
	if errors.Is(err, fs.ErrExist) && !replace {
		return Problems{path + " exists and is left as it is; name another file"}
	}
	switch err.(type) { //nolint:errorlint // what the content returns may have others in it
	case *fs.PathError, *os.LinkError:
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return Problems{fmt.Sprintf("%s cannot be written: %v; name another file", path, disk.Cause(err))}
		}
		return &state.IOError{Op: "write", Path: path, Err: disk.Cause(err)}
	}
	return err
}
