package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"bulkonboard/batch/state"
)

// scratch makes a scratch file beside the state: there is room for it, and who
// may read the state may read it. On Windows a file has its name, and its
// folder cannot be removed, until it is closed: there it is made elsewhere.
func (j *job) scratch() (*os.File, error) {
	if runtime.GOOS == "windows" {
		return newScratch()
	}
	path := j.dir.KeptPath(state.Scratch)
	_ = os.Remove(path) // a killed process may have left one
	return scratchAt(path)
}

// newScratch makes a scratch file among the temporary ones.
func newScratch() (*os.File, error) {
	return scratchAt(filepath.Join(os.TempDir(), "bulkonboard-scratch-"+rand.Text()))
}

// scratchAt makes a file that is gone with the process.
func scratchAt(path string) (*os.File, error) {
	file, err := openTransient(path)
	if err == nil {
		return file, nil
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return nil, &state.IOError{Op: "make the scratch file", Path: inner.Path, Err: inner.Err}
	}
	return nil, err
}
