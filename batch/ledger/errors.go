package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// FileError is an operation on a file of the ledger that failed. What is
// durable stays valid.
type FileError struct {
	Op, Path string
	Err      error
}

// Error names the file and the next step.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s %s: %v; make room or mend the disk, then run the same command again to go on", e.Op, e.Path, e.Err)
}

// Unwrap returns what went wrong.
func (e *FileError) Unwrap() error { return e.Err }

// fileError names the file of an error that does not say what it is about.
func fileError(op, path string, err error) error {
	var format *FormatError
	var secret *SecretError
	var file *FileError
	if err == nil || errors.As(err, &format) || errors.As(err, &secret) || errors.As(err, &file) {
		return err
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &FileError{Op: op, Path: path, Err: err}
}

// FormatError says that a file is no ledger, or not one of this version.
type FormatError struct{ Path, Reason string }

// Error names the file and the ways out.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s cannot be used as the ledger: %s; restore it from a copy, or name another file with --ledger", e.Path, e.Reason)
}

// SecretError says that the key of a ledger is missing or is another one's.
type SecretError struct{ Path, Reason string }

// Error names the file and the ways out.
func (e *SecretError) Error() string {
	return fmt.Sprintf("%s: %s; restore the key from a copy, or name it with --ledger-key-file; if it is lost, begin a new ledger and fill it with bulkonboard ledger import", e.Path, e.Reason)
}

// syncDir makes durable which names a folder has.
func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
