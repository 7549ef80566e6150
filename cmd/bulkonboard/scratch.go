package main

import (
	"os"

	"bulkonboard/batch/state"
)

// scratchIn makes a scratch file beside the state: there is room for it, and who
// may read the state may read it.
func scratchIn(dir *state.Dir) (*os.File, error) {
	return state.MakeScratch(dir.KeptPath(state.Scratch))
}
