package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"bulkonboard/batch/disk"
)

// Target is where an output is put.
type Target struct {
	Path    string
	Replace bool // what stands there is replaced
}

// Targets are those of a run: of its results, its rejects and its summary. One without
// a path has none.
func Targets(results, rejects, summary Target) map[string]Target {
	return map[string]Target{Results: results, Rejects: rejects, Summary: summary}
}

// TakenError says that something stands where an output is to be put.
type TakenError struct{ Path string }

// Error names it and the ways out.
func (e *TakenError) Error() string {
	return fmt.Sprintf("%s already exists and was not created by this run; the run is complete: move that file away, or add --overwrite, and run the same command again", e.Path)
}

// Publish ends a complete run: it puts every partial output and the summary,
// which must have been kept, at its target, the results last, and removes the
// state. Each must be, on the disk, what was written. A crash in between is
// repaired by publishing again: the checkpoint says that the run is complete,
// and what it replaces; what is no longer in the folder has been put in place.
// Until then the state folder says that what is beside the results may be of
// another run.
func (d *Dir) Publish(cp Checkpoint, targets map[string]Target) error {
	if !cp.Complete {
		cp.Complete = true
		for name, target := range targets {
			if target.Replace {
				cp.Replaces = append(cp.Replaces, name)
			}
		}
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
		if target := targets[name]; target.Path != "" {
			target.Replace = target.Replace || slices.Contains(cp.Replaces, name)
			if err := d.put(name, target); err != nil {
				return err
			}
		}
	}
	return d.Dismantle()
}

// extentOf is what was written under a name.
func (d *Dir) extentOf(name string) *extent {
	if o := d.outputs[name]; o != nil {
		return o.written
	}
	if name == Summary && d.kept != nil {
		return d.kept
	}
	return d.covered[name]
}

// put moves one partial output to its target. One that is gone must be there
// already.
func (d *Dir) put(name string, target Target) error {
	partial, written := filepath.Join(d.path, name), d.extentOf(name)
	if written == nil {
		return &CorruptError{Path: filepath.Join(d.path, checkpointName), Reason: "it says nothing of the " + name}
	}
	err := written.whole(d.fsys, partial)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		there, err := d.isThere(target.Path, written)
		if err == nil && !there {
			err = &CorruptError{Path: partial, Reason: fmt.Sprintf("it is missing, and %s is not what it was", target.Path)}
		}
		return err
	case err != nil:
		return err
	}
	return d.move(partial, target, written)
}

// isThere reports an output that was put in its place before a crash: it is the
// same to the last byte. The crash may have come before its name was durable.
func (d *Dir) isThere(target string, written *extent) (bool, error) {
	there, err := written.is(d.fsys, target)
	if there {
		err = ioError("sync", filepath.Dir(target), d.fsys.SyncDir(filepath.Dir(target)))
	}
	return there, err
}

// move gives a file its place, durably, and where nothing is to be replaced only
// if nothing stands there.
func (d *Dir) move(partial string, target Target, written *extent) error {
	put, putCopy := disk.Move, disk.Create
	if target.Replace {
		put, putCopy = disk.Rename, disk.Replace
	}
	err := put(d.fsys, partial, target.Path)
	if errors.Is(err, syscall.EXDEV) {
		err = d.copyTo(partial, target.Path, putCopy)
	}
	if errors.Is(err, fs.ErrExist) && !target.Replace {
		there, wrong := d.isThere(target.Path, written)
		if wrong != nil {
			return wrong
		}
		if !there {
			return &TakenError{Path: target.Path}
		}
		err = d.fsys.Remove(partial)
	}
	return ioError("put in place", target.Path, err)
}

// copyTo puts an output in place on another file system, where it cannot be
// moved.
func (d *Dir) copyTo(partial, target string, put func(disk.FS, string, func(io.Writer) error) error) error {
	from, err := d.fsys.OpenFile(partial, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(put(d.fsys, target, disk.Copy(from)), from.Close()); err != nil {
		return err
	}
	return d.fsys.Remove(partial)
}

// Dismantle removes the state folder: the run is over, or never began.
func (d *Dir) Dismantle() error {
	if err := d.journal.close(); err != nil {
		return err
	}
	if err := d.clear(); err != nil {
		return err
	}
	return d.release()
}

// release lets go of a state folder in which there is nothing, and removes it.
func (d *Dir) release() error {
	if err := d.remove([]string{filepath.Base(holderName(d.path))}); err != nil {
		return err
	}
	if err := d.lock.Remove(); err != nil {
		return ioError("remove", filepath.Join(d.path, lockName), err)
	}
	// Another process may have come for the lock by now; then the folder is
	// its own.
	if err := d.fsys.Remove(d.path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		return ioError("remove", d.path, err)
	}
	return ioError("sync", filepath.Dir(d.path), d.fsys.SyncDir(filepath.Dir(d.path)))
}
