package state

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
)

// How what a run left is removed, in an order in which a crash may come anywhere.

// Discard removes everything that an earlier run left, but for the lock. What
// can be found out again goes first, and a list that came by standard input
// last: until then the run can be resumed.
func (d *Dir) Discard() error {
	if err := d.StartOver(); err != nil {
		return err
	}
	return d.clear()
}

// clear does so for a run that is over, or never began.
func (d *Dir) clear() error {
	if err := d.remove([]string{Scratch, Corrected, Corrected + ".tmp"}); err != nil {
		return err
	}
	if err := d.removeRun(); err != nil {
		return err
	}
	return d.remove([]string{SpoolNext, SpoolNext + ".tmp", Spool, Spool + ".tmp", spoolSum, spoolSum + ".tmp"})
}

// StartOver removes what an earlier run came to, and keeps what is known of
// the list. First the checkpoint says so: what a crash leaves of the rest
// belongs to no run.
func (d *Dir) StartOver() error {
	b, err := encodeCheckpoint(&Checkpoint{Discarded: true})
	if err != nil {
		return err
	}
	if err := replace(d.fsys, filepath.Join(d.path, checkpointName), bytes.NewReader(b)); err != nil {
		return err
	}
	return d.removeRun()
}

// removeRun removes what a run came to, the checkpoint last: it says whether
// the rest may be incomplete.
func (d *Dir) removeRun() error {
	if err := d.journal.close(); err != nil {
		return err
	}
	d.journal.forget()
	numbers, err := segments(d.fsys, d.path)
	if err != nil {
		return err
	}
	names := append(outputNames(), Summary, Summary+".tmp")
	for _, number := range numbers {
		names = append(names, filepath.Base(segmentName(d.path, number)))
	}
	if err := d.remove(names); err != nil {
		return err
	}
	return d.remove([]string{checkpointName, checkpointName + ".tmp"})
}

func (d *Dir) remove(names []string) error {
	for _, name := range names {
		path := filepath.Join(d.path, name)
		if err := d.fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ioError("remove", path, err)
		}
	}
	return ioError("sync", d.path, d.fsys.SyncDir(d.path))
}
