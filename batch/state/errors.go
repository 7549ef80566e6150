package state

import (
	"errors"
	"fmt"
	"io"

	"bulkonboard/batch/disk"
)

// IOError is a file operation that failed. What is durable stays valid.
type IOError struct {
	Op   string
	Path string
	Err  error
}

// Error names the file and the next step.
func (e *IOError) Error() string {
	return fmt.Sprintf("%s %s: %v; %s", e.Op, e.Path, disk.Cause(e.Err), disk.Remedy(e.Err))
}

// Unwrap returns what went wrong.
func (e *IOError) Unwrap() error { return e.Err }

func ioError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if errors.As(err, new(*IOError)) || errors.As(err, new(*disk.PlantedError)) || errors.As(err, new(*disk.NoLockError)) {
		return err // it says what to do
	}
	return &IOError{Op: op, Path: path, Err: disk.Cause(err)}
}

// replace puts a durable file in the place of name.
func replace(fsys disk.FS, name string, content io.Reader) error {
	return ioError("write", name, disk.Replace(fsys, name, disk.Copy(content)))
}
