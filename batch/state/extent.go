package state

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"syscall"

	"bulkonboard/batch/disk"
)

// extent is the first bytes of a file as they were written: their number, and
// the hash over them.
type extent struct {
	length int64
	sum    hash.Hash
}

func newExtent() *extent { return &extent{sum: sha256.New()} }

// Write takes bytes that were written.
func (e *extent) Write(b []byte) (int, error) {
	e.length += int64(len(b))
	return e.sum.Write(b)
}

// coveredBy are the files that a checkpoint covers.
func coveredBy(cp *Checkpoint, path string) (map[string]*extent, error) {
	covered := make(map[string]*extent, len(cp.Outputs))
	for name, length := range cp.Outputs {
		e := newExtent()
		if e.length = length; length < 0 {
			return nil, &CorruptError{Path: path, Reason: "it says that the " + name + " are shorter than nothing"}
		}
		if err := e.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(cp.Sums[name]); err != nil {
			return nil, &CorruptError{Path: path, Reason: "its hash of the " + name + " cannot be read: " + err.Error()}
		}
		covered[name] = e
	}
	return covered, nil
}

// cover has a checkpoint cover what was written of a file.
func (cp *Checkpoint) cover(name string, e *extent, length int64) error {
	sum, err := e.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return fmt.Errorf("keep the hash of the %s: %w", name, err)
	}
	cp.Outputs[name], cp.Sums[name] = length, sum
	return nil
}

// check reads a file and refuses other bytes than were written. There may be
// more behind them.
func (e *extent) check(fsys disk.FS, path string) error {
	_, err := e.read(fsys, path)
	return err
}

// whole is check for a file that is to have nothing behind these bytes.
func (e *extent) whole(fsys disk.FS, path string) error {
	size, err := e.read(fsys, path)
	if err == nil && size > e.length {
		err = &CorruptError{Path: path, Offset: e.length, Reason: fmt.Sprintf("it has %d bytes, and %d were written", size, e.length)}
	}
	return err
}

func (e *extent) read(fsys disk.FS, path string) (size int64, err error) {
	size, err = fsys.Size(path)
	if err != nil {
		return 0, ioError("look at", path, err)
	}
	if size < e.length {
		return size, &CorruptError{Path: path, Offset: size, Reason: fmt.Sprintf("it has %d bytes, and %d were written", size, e.length)}
	}
	file, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return size, ioError("open", path, err)
	}
	seen := newExtent()
	_, err = io.CopyN(seen, file, e.length)
	if err = errors.Join(err, file.Close()); err != nil {
		return size, ioError("read", path, err)
	}
	if !bytes.Equal(seen.sum.Sum(nil), e.sum.Sum(nil)) {
		return size, &CorruptError{Path: path, Reason: fmt.Sprintf("its first %d bytes are not those that were written", e.length)}
	}
	return size, nil
}

// is reports whether there is a file that has these bytes and no others.
func (e *extent) is(fsys disk.FS, path string) (bool, error) {
	err := e.whole(fsys, path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) || errors.As(err, new(*CorruptError)) {
		return false, nil
	}
	return err == nil, err
}
