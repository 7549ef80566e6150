// Package state keeps on disk what a run must not forget: which rows are
// written, and which answers were received and are not written yet.
//
// The state of a run that writes results.csv is the folder results.csv.state:
//
//	lock, holder.json   who is running it
//	journal-NNNNNN      what was sent and answered, in segments of frames
//	checkpoint          up to where everything is written and durable
//	results, rejects    the partial outputs
//	answers             results that later rows of the same customers will take
//	problems            the rows that need attention, to be compared with those of the run before
//	summary             of the last start, until the run is complete and it is put in place
//	spool, spool.sum    the list if it came by standard input, and its digest
//	spool.next          another list that came so, until it is settled what becomes of the run
//	corrected           the list of a retry, with corrections
//	scratch             what does not fit into memory; it loses its name at once
//
// Every byte of it that is read again is covered by a checksum: frames of the
// journal have their own, the checkpoint has its own and those of the outputs
// and of the summary. They are compared before anything is resumed or put in
// place.
//
// The order of durability: journal append, before anything else sees an
// answer; outputs append; outputs fsync; the ledger, where there is one, which is not
// of this package (batch/commit.go); checkpoint replaced, which is the one commit
// point; journal segments dropped that lie before it. After the process
// is killed, nothing that was written is lost. After a power cut, nothing is
// lost that an fsync covered.
package state

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"bulkonboard/batch/disk"
)

// Options adjust a Dir. The zero value is right.
type Options struct {
	// SegmentBytes is the size beyond which the journal continues in another
	// segment at the next commit; 4 MiB unless set.
	SegmentBytes int64

	// Command is told to others that want the folder. It names no customer.
	Command string
}

const defaultSegmentBytes = 4 << 20

// Dir is the state folder of one run, locked by this process. Append belongs
// to one goroutine, Output, Commit and Publish to another; Sync may be called
// from any.
type Dir struct {
	fsys    disk.FS
	path    string
	lock    disk.Lock
	journal *journal
	outputs map[string]*Output
	covered map[string]*extent // of the outputs, by the checkpoint that was recovered
	kept    *extent            // the summary, once it is kept
}

// Open locks the state folder at path, and makes it if there is none. It
// returns a *HeldError at once when another process is running.
func Open(fsys disk.FS, path string, o Options) (*Dir, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	err := fsys.Mkdir(path)
	if errors.Is(err, fs.ErrExist) {
		err = disk.CheckOwn(path)
	}
	if err != nil {
		return nil, ioError("make", path, err)
	}
	if err := fsys.SyncDir(filepath.Dir(path)); err != nil {
		return nil, ioError("sync", filepath.Dir(path), err)
	}
	lock, err := fsys.Lock(filepath.Join(path, lockName))
	if errors.Is(err, disk.ErrHeld) {
		return nil, &HeldError{Path: path, Holder: readHolder(fsys, holderName(path))}
	}
	if err != nil {
		return nil, ioError("lock", path, err)
	}
	d := &Dir{
		fsys: fsys, path: path, lock: lock,
		journal: &journal{fsys: fsys, dir: path, limit: o.SegmentBytes, old: map[int]closed{}},
		outputs: map[string]*Output{},
	}
	if err := signHolder(fsys, holderName(path), o.Command); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// Close leaves everything on disk and lets go of the lock.
func (d *Dir) Close() error {
	errs := []error{d.journal.close()}
	for _, o := range d.outputs {
		errs = append(errs, o.close())
	}
	return errors.Join(append(errs, d.lock.Unlock())...)
}

// Append writes entries to the journal, in one write. They survive the death
// of the process; Sync makes them survive that of the machine. After an error
// the journal takes nothing more. Each start must open its outputs and commit
// before its first entry, and before it writes to an output: that makes the
// names in the folder durable, and tells whose entries these are.
func (d *Dir) Append(entries []Entry) error { return d.journal.append(entries) }

// Sync makes durable everything that was appended before it. An error is final
// and never tried again.
func (d *Dir) Sync() error { return d.journal.sync() }

// Output is a partial output, which only grows.
type Output struct {
	path    string
	file    disk.File
	written *extent
	durable int64
	broken  error
}

// Output opens a partial output, cut to what the checkpoint covers. Recover
// must have been called, and a Commit must come before the first Write: it makes
// the output's name durable, before there is a checkpoint that counts on it.
func (d *Dir) Output(name string) (*Output, error) {
	path := filepath.Join(d.path, name)
	file, err := d.fsys.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, ioError("open", path, err)
	}
	o := &Output{path: path, file: file, written: newExtent()}
	if covered := d.covered[name]; covered != nil {
		o.written, o.durable = covered, covered.length
	}
	d.outputs[name] = o
	return o, nil
}

// ReadOutput opens what the checkpoint covers of a partial output for reading;
// nil when there is nothing. Recover must have been called.
func (d *Dir) ReadOutput(name string) (io.ReadCloser, error) {
	if covered := d.covered[name]; covered == nil || covered.length == 0 {
		return nil, nil
	}
	path := filepath.Join(d.path, name)
	file, err := d.fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, ioError("open", path, err)
	}
	return file, nil
}

// Len is the length in bytes.
func (o *Output) Len() int64 { return o.written.length }

// SHA256 is the hash of all that was written, in hexadecimal digits. It is
// taken on the way to the disk, so a file that differs from it was changed.
func (o *Output) SHA256() string { return hex.EncodeToString(o.written.sum.Sum(nil)) }

// Write appends b. After an error the output takes nothing more; what the
// checkpoint covers is untouched.
func (o *Output) Write(b []byte) (int, error) {
	if o.broken != nil {
		return 0, o.broken
	}
	n, err := o.file.Write(b)
	_, _ = o.written.Write(b[:n]) // never fails
	if err != nil {
		o.broken = ioError("write", o.path, err)
	}
	return n, o.broken
}

func (o *Output) sync() error {
	if o.broken != nil || o.durable == o.written.length {
		return o.broken
	}
	if err := o.file.Sync(); err != nil {
		o.broken = ioError("sync", o.path, err)
		return o.broken
	}
	o.durable = o.written.length
	return nil
}

func (o *Output) close() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return ioError("close", o.path, err)
}

// SyncOutputs makes durable what was written to the outputs.
func (d *Dir) SyncOutputs() error {
	for _, o := range d.outputs {
		if err := o.sync(); err != nil {
			return err
		}
	}
	return nil
}

// Commit makes everything up to the checkpoint's position durable: first the
// outputs, then the checkpoint that says so. Only then are the journal's
// answers for these rows dropped.
func (d *Dir) Commit(cp Checkpoint) error {
	if err := d.SyncOutputs(); err != nil {
		return err
	}
	cp.Outputs, cp.Sums = map[string]int64{}, map[string][]byte{}
	for name, o := range d.outputs {
		if err := cp.cover(name, o.written, o.durable); err != nil {
			return err
		}
	}
	if d.kept != nil {
		if err := cp.cover(Summary, d.kept, d.kept.length); err != nil {
			return err
		}
	}
	return d.journal.commit(cp.Row, func(segments []segment) error {
		cp.Journal = segments
		b, err := encodeCheckpoint(&cp)
		if err != nil {
			return err
		}
		return replace(d.fsys, filepath.Join(d.path, checkpointName), bytes.NewReader(b))
	})
}
