package ledger

import (
	"errors"
	"fmt"
	"strings"

	"bulkonboard/batch/disk"
)

// FileError is an operation on a file of the ledger that failed. What is
// durable stays valid.
type FileError struct {
	Op, Path string
	Err      error
}

// Error names the file and the next step.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s %s: %v; %s", e.Op, e.Path, e.Err, disk.Remedy(e.Err))
}

// Unwrap returns what went wrong.
func (e *FileError) Unwrap() error { return e.Err }

// fileError names the file of an error that does not say what it is about.
func fileError(op, path string, err error) error {
	var format *FormatError
	var secret *SecretError
	var file *FileError
	var d damage
	switch {
	case errors.As(err, &d):
		return &FormatError{Path: path, Reason: d.Error()}
	case errors.Is(err, errOtherSecret):
		return err
	}
	if err == nil || errors.As(err, &format) || errors.As(err, &secret) || errors.As(err, &file) {
		return err
	}
	return &FileError{Op: op, Path: path, Err: disk.Cause(err)}
}

// FormatError says that a file cannot be used as the ledger, as it is.
type FormatError struct{ Path, Reason, Hint string }

// Error names the file and the ways out.
func (e *FormatError) Error() string {
	if e.Hint != "" {
		return fmt.Sprintf("%s: %s; %s", e.Path, e.Reason, e.Hint)
	}
	return fmt.Sprintf("%s cannot be used as the ledger: %s; restore it from a copy, or name another file with --ledger", e.Path, e.Reason)
}

// missing says that a ledger is not there though its key is.
func missing(path, keyPath string) error {
	return &FormatError{
		Path: path, Reason: "the ledger is not there, though its key " + keyPath + " is, and without it everybody would be called again",
		Hint: startNew(path, keyPath),
	}
}

// empty says that the file of a ledger is empty.
func empty(path, keyPath string) error {
	return &FormatError{Path: path, Reason: "the ledger is empty, and with it everybody would be called again", Hint: startNew(path, keyPath)}
}

func startNew(path, keyPath string) string {
	return fmt.Sprintf("restore it from a copy, or start a new, empty one: bulkonboard ledger create --ledger %s --ledger-key-file %s", quoted(path), quoted(keyPath))
}

// older says that a ledger is not the newest one.
func older(path, counter string, has, had uint64) error {
	return &FormatError{
		Path:   path,
		Reason: fmt.Sprintf("the ledger is an older copy: it has seen %d changes, and %s counts %d, so customers that came since would be called again", has, counter, had),
		Hint:   "put the newest copy back, or use this one all the same: rm " + quoted(counter),
	}
}

// quoted is a name as a shell takes it.
func quoted(name string) string { return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'" }

// SecretError says that the key of a ledger is missing or is another one's.
type SecretError struct{ Path, Reason string }

// Error names the file and the ways out.
func (e *SecretError) Error() string {
	return fmt.Sprintf("%s: %s; restore the key from a copy, or name it with --ledger-key-file; if it is lost, start a new ledger and fill it with bulkonboard ledger import", e.Path, e.Reason)
}
