package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"bulkonboard/batch/disk"
)

// Names of what the state keeps. All but the summary is of the list and says
// nothing about how far a run has come, so it outlives a run that is begun
// again.
const (
	Corrected = "corrected"  // the list of a retry, with corrections
	Spool     = "spool"      // the list itself, when it came by standard input
	SpoolNext = "spool.next" // another list that came so, before it is settled what becomes of the run
	spoolSum  = "spool.sum"  // its size and digest
	Scratch   = "scratch"    // without a name, but for a moment
	Summary   = "summary"    // what is said of the run: of a complete one, on its way to its place
)

// Keep puts content under a name, durably, in the place of what was there.
// Wherever the machine stops, there is the one or the other, and whole.
func (d *Dir) Keep(name string, content io.Reader) error {
	written := newExtent()
	if err := replace(d.fsys, d.KeptPath(name), io.TeeReader(content, written)); err != nil {
		return err
	}
	if name == Summary {
		d.kept = written
	}
	return nil
}

// spooled is what is kept of a list beside it.
type spooled struct {
	Bytes  int64  `json:"bytes"`
	SHA256 []byte `json:"sha256"`
}

// KeepSpool keeps the list that came by standard input, and then its size and
// digest. Without these there is no list: a crash has left half of one.
func (d *Dir) KeepSpool(content io.Reader) error {
	if err := d.remove([]string{spoolSum}); err != nil {
		return err
	}
	written := newExtent()
	if err := replace(d.fsys, d.KeptPath(Spool), io.TeeReader(content, written)); err != nil {
		return err
	}
	b, err := json.Marshal(spooled{Bytes: written.length, SHA256: written.sum.Sum(nil)})
	if err != nil {
		return fmt.Errorf("keep the digest of the list: %w", err)
	}
	return replace(d.fsys, d.KeptPath(spoolSum), bytes.NewReader(b))
}

// Spooled gives the path of the list that was kept of standard input; "" when
// none was. One that is not what was kept is a *CorruptError.
func (d *Dir) Spooled() (path string, err error) {
	b, err := d.Kept(spoolSum)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var s spooled
	path, seen := d.KeptPath(Spool), newExtent()
	if err := json.Unmarshal(b, &s); err != nil {
		return "", &CorruptError{Path: d.KeptPath(spoolSum), Reason: "it cannot be read: " + err.Error()}
	}
	file, err := d.fsys.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &CorruptError{Path: path, Reason: "it is missing"}
	}
	if err != nil {
		return "", ioError("open", path, err)
	}
	_, err = io.Copy(seen, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", ioError("read", path, err)
	}
	if seen.length != s.Bytes || !bytes.Equal(seen.sum.Sum(nil), s.SHA256) {
		return "", &CorruptError{Path: path, Reason: "it is not the list that was kept"}
	}
	return path, nil
}

// Kept gives what was kept under a name, and an error that satisfies
// errors.Is(err, fs.ErrNotExist) when nothing was.
func (d *Dir) Kept(name string) ([]byte, error) {
	path := d.KeptPath(name)
	b, err := disk.ReadFile(d.fsys, path)
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
