package main

import (
	"crypto/rand"
	"os"
	"path/filepath"

	"bulkonboard/batch/state"
)

// scratch makes a scratch file beside the state: there is room for it, and who
// may read the state may read it.
func (j *job) scratch() (*os.File, error) { return state.MakeScratch(j.dir.KeptPath(state.Scratch)) }

// newScratch makes a scratch file among the temporary ones.
func newScratch() (*os.File, error) {
	return state.MakeScratch(filepath.Join(os.TempDir(), "bulkonboard-scratch-"+rand.Text()))
}
