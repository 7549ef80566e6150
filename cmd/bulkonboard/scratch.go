package main

import (
	"crypto/rand"
	"os"
	"path/filepath"

	"bulkonboard/batch/state"
)

// scratchIn makes a scratch file beside the state: there is room for it, and who
// may read the state may read it.
func scratchIn(dir *state.Dir) (*os.File, error) {
	return state.MakeScratch(dir.KeptPath(state.Scratch))
}

// newScratch makes a scratch file among the temporary ones.
func newScratch() (*os.File, error) {
	return state.MakeScratch(filepath.Join(os.TempDir(), "bulkonboard-scratch-"+rand.Text()))
}
