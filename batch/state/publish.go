package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Publish ends a complete run: it puts every partial output and the summary,
// which must have been kept, at its target, the results last, and removes the
// state. A crash in between is mended by publishing again: the checkpoint says
// that the run is complete, and what is no longer in the folder has been put in
// place. Until then the state folder says that what is beside the results may
// be of another run.
func (d *Dir) Publish(cp Checkpoint, targets map[string]string) error {
	if !cp.Complete {
		cp.Complete = true
		if err := d.Commit(cp); err != nil {
			return err
		}
	}
	for _, o := range d.outputs {
		if err := o.close(); err != nil {
			return err
		}
	}
	for _, name := range []string{Rejects, Summary, Results} {
		if target := targets[name]; target != "" {
			if err := d.put(name, target); err != nil {
				return err
			}
		}
	}
	return d.Dismantle()
}

// put moves one partial output to its target, over what was there.
func (d *Dir) put(name, target string) error {
	partial := filepath.Join(d.path, name)
	err := d.fsys.Rename(partial, target)
	if errors.Is(err, syscall.EXDEV) {
		err = d.copyTo(partial, target)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := d.fsys.Size(target); there == nil {
			return nil
		}
	}
	if err != nil {
		return ioError("put in place", target, err)
	}
	return ioError("sync", filepath.Dir(target), d.fsys.SyncDir(filepath.Dir(target)))
}

// copyTo puts an output in place on another file system, where a rename cannot
// reach.
func (d *Dir) copyTo(partial, target string) error {
	from, err := d.fsys.OpenFile(partial, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(Replace(d.fsys, target, from), from.Close()); err != nil {
		return err
	}
	return d.fsys.Remove(partial)
}

// Dismantle removes the state folder: the run is over, or never began.
func (d *Dir) Dismantle() error {
	if err := d.journal.close(); err != nil {
		return err
	}
	if err := d.Discard(); err != nil {
		return err
	}
	if err := d.remove([]string{filepath.Base(holderName(d.path)), lockName}); err != nil {
		return err
	}
	// Another process may have come for the lock by now; then the folder is
	// its own.
	if err := d.fsys.Remove(d.path); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		return ioError("remove", d.path, err)
	}
	return ioError("sync", filepath.Dir(d.path), d.fsys.SyncDir(filepath.Dir(d.path)))
}

// Snapshot is what can be seen of a run from outside.
type Snapshot struct {
	Checkpoint *Checkpoint // nil before the first one
	Held       bool        // a process is at it
	Holder     Holder      // the last one to be at it
	Answers    int         // in the journal, behind the checkpoint
}

// Inspect looks at a state folder without disturbing the run that may be at
// it. It returns fs.ErrNotExist when there is none.
func Inspect(fsys FS, path string) (*Snapshot, error) {
	if _, err := fsys.Size(path); err != nil {
		return nil, err
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
		b, err := readFile(fsys, segmentName(path, number))
		if err != nil {
			continue // dropped meanwhile: the run goes on beside this
		}
		readFrames(b, func(e Entry) {
			if cp == nil || e.Row > cp.Row {
				r.take(e)
			}
		})
	}
	for _, row := range r.Rows {
		if row.Outcome != nil {
			s.Answers++
		}
	}
	return s, nil
}

// held reports whether a process holds the lock.
func held(fsys FS, path string) (bool, error) {
	name := filepath.Join(path, lockName)
	if _, err := fsys.Size(name); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	unlock, err := fsys.Lock(name)
	if errors.Is(err, errHeld) {
		return true, nil
	}
	if err != nil {
		return false, ioError("lock", path, err)
	}
	return false, unlock()
}
