package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
)

// Place writes a file that is asked for, durably, whole or not at all, where nothing
// stands unless that is to be replaced. Until it is whole it has a name of its own,
// which neither another command nor a user's file has.
func Place(fsys disk.FS, path string, replace bool, content func(io.Writer) error) error {
	put := disk.Move
	if replace {
		put = disk.Rename
	}
	temp := filepath.Join(filepath.Dir(path), ".bulkonboard-"+rand.Text()+".tmp")
	var own error // of the content, and not of its being written
	err := disk.Via(fsys, temp, path, func(w io.Writer) error {
		to := &failing{to: w}
		err := content(to)
		if to.err == nil {
			own = err
		}
		return err
	}, put)
	if own != nil {
		return own
	}
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

// failing knows whether a write failed.
type failing struct {
	to  io.Writer
	err error
}

func (f *failing) Write(b []byte) (int, error) {
	n, err := f.to.Write(b)
	if err != nil {
		f.err = err
	}
	return n, err
}
