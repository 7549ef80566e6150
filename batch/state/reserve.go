package state

import (
	"fmt"

	"bulkonboard/batch/disk"
)

// UnfinishedError says that a place belongs to a run that was interrupted.
type UnfinishedError struct{ Path string }

// Error names the ways out.
func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%s is the state of a run that is not finished and writes to that place; resume that run first, or name another file", e.Path)
}

// Reserve locks a place that a run writes to beside its results, by the state
// folder that the results of another run would have there: so no run writes to
// it meanwhile, as its results or otherwise.
func Reserve(fsys disk.FS, path string) (release func() error, err error) {
	d, err := Open(fsys, path, Options{})
	if err != nil {
		return nil, err
	}
	_, began, err := d.Began()
	if began {
		err = &UnfinishedError{Path: path}
	}
	if err != nil {
		_ = d.Close()
		return nil, err
	}
	return d.release, nil
}
