package state

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
)

// Names of what the state keeps. All but the summary is of the list and says
// nothing about how far a run has come, so it outlives a run that is begun
// anew.
const (
	Preflight = "preflight" // what reading the list ahead has found
	Corrected = "corrected" // the list of a retry, with corrections
	Spool     = "spool"     // the list itself, when it came by standard input
	Scratch   = "scratch"   // without a name, but for a moment
	Summary   = "summary"   // what is said of the run: of a complete one, on its way to its place
)

// Keep puts content under a name, durably, in the place of what was there.
// Wherever the machine stops, there is the one or the other, and whole.
func (d *Dir) Keep(name string, content io.Reader) error {
	return Replace(d.fsys, d.KeptPath(name), content)
}

// Kept gives what was kept under a name, and an error that satisfies
// errors.Is(err, fs.ErrNotExist) when nothing was.
func (d *Dir) Kept(name string) ([]byte, error) {
	path := d.KeptPath(name)
	b, err := readFile(d.fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return b, ioError("read", path, err)
}

// KeptPath is where something that is kept stands.
func (d *Dir) KeptPath(name string) string { return filepath.Join(d.path, name) }

// Began reports whether the state is of a run that has begun, and which one: it
// may have made calls.
func (d *Dir) Began() (run string, began bool, err error) {
	cp, err := readCheckpoint(d.fsys, d.path)
	if cp == nil {
		return "", false, err
	}
	return cp.Run, true, nil
}
