package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"bulkonboard/batch/state"
)

// scratch makes a scratch file beside the state: there is room for it, and who
// may read the state may read it.
func (j *job) scratch() (*os.File, error) {
	path := j.dir.KeptPath(state.Scratch)
	_ = os.Remove(path) // a killed process may have left one
	return scratchAt(path)
}

// newScratch makes a scratch file among the temporary ones.
func newScratch() (*os.File, error) {
	return scratchAt(filepath.Join(os.TempDir(), "bulkonboard-scratch-"+rand.Text()))
}

// scratchAt makes a file and takes its name off, so that it is gone with the
// process.
func scratchAt(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, scratchError(err)
	}
	if err := os.Remove(path); err != nil {
		return nil, errors.Join(scratchError(err), file.Close())
	}
	return file, nil
}

func scratchError(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return &state.IOError{Op: "make the scratch file", Path: inner.Path, Err: inner.Err}
	}
	return err
}
