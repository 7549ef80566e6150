package main

import (
	"os"

	"bulkonboard/batch/state"
)

// scratch makes a scratch file beside the state: there is room for it, and who
// may read the state may read it.
func (j *job) scratch() (*os.File, error) { return state.MakeScratch(j.dir.KeptPath(state.Scratch)) }
