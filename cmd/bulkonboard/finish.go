package main

import (
	"errors"
	"io/fs"
	"path/filepath"

	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

// finish puts in place what a complete run has left in the state folder, as one
// does that was killed on the way. Whatever comes next then finds files that
// belong together.
func (o *outputs) finish() (err error) {
	left, err := state.Inspect(fileSystem, o.stateDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || left.Held || left.Checkpoint == nil || !left.Checkpoint.Complete {
		return nil // the operator who starts a run is told, or the run resumes
	}
	dir, err := state.Open(fileSystem, o.stateDir(), state.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	rec, err := dir.Recover()
	if err != nil || rec.Checkpoint == nil || !rec.Checkpoint.Complete {
		return err
	}
	rejects, err := rejectsOf(dir, o.results)
	if err != nil {
		return err
	}
	at := func(path string) state.Target { return state.Target{Path: path, Replace: o.overwrite} } // the checkpoint says what they replace
	return dir.Publish(*rec.Checkpoint, state.Targets(at(o.results), at(rejects), at(sink.SummaryPath(o.results))))
}

// rejectsOf is where the rejects of a complete run belong, by its summary, which
// may be in place already.
func rejectsOf(dir *state.Dir, output string) (string, error) {
	b, err := dir.Kept(state.Summary)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = readSummaryFile(sink.SummaryPath(output))
	}
	if err != nil {
		return "", err
	}
	s, err := sink.DecodeSummary(b)
	if err != nil {
		return "", &state.CorruptError{Path: dir.KeptPath(state.Summary), Reason: err.Error()}
	}
	switch {
	case s.Rejects == nil:
		return "", nil
	case filepath.IsAbs(s.Rejects.Name):
		return s.Rejects.Name, nil
	}
	return filepath.Join(s.Command.Folder, s.Rejects.Name), nil
}
