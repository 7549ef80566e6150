package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"bulkonboard/batch/disk"
)

// Snapshot is what can be seen of a run from outside.
type Snapshot struct {
	Checkpoint *Checkpoint // nil before the first one
	Held       bool        // a process is running
	Holder     Holder      // the last process that ran
	Answers    int         // in the journal, behind the checkpoint
}

// Inspect looks at a state folder without disturbing the run that may be under
// way. It returns fs.ErrNotExist when there is none.
func Inspect(fsys disk.FS, path string) (*Snapshot, error) {
	if _, err := fsys.Size(path); disk.Absent(err) {
		return nil, &fs.PathError{Op: "look at", Path: path, Err: fs.ErrNotExist}
	} else if err != nil {
		return nil, ioError("look at", path, err)
	}
	cp, err := readCheckpoint(fsys, path)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Checkpoint: cp, Holder: readHolder(fsys, holderName(path))}
	if s.Held, err = held(fsys, path); err != nil {
		return nil, err
	}
	numbers, err := segments(fsys, path)
	if err != nil {
		return nil, err
	}
	r := &Recovered{Checkpoint: cp, Rows: map[int64]*Row{}}
	for _, number := range numbers {
		b, err := disk.ReadFile(fsys, segmentName(path, number))
		if err != nil {
			continue // dropped meanwhile: the run continues beside this
		}
		readFrames(b, func(e Entry) {
			if cp == nil || e.Row > cp.Row {
				r.take(e)
			}
		})
	}
	for _, row := range r.Rows {
		if row.Result != nil {
			s.Answers++
		}
	}
	return s, nil
}

// held reports whether a process holds the lock.
func held(fsys disk.FS, path string) (bool, error) {
	name := filepath.Join(path, lockName)
	if _, err := fsys.Size(name); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	lock, err := fsys.Lock(name)
	if errors.Is(err, disk.ErrHeld) {
		return true, nil
	}
	if err != nil {
		return false, ioError("lock", path, err)
	}
	return false, lock.Unlock()
}
