package state

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Recovered is what an interrupted run left.
type Recovered struct {
	Checkpoint *Checkpoint    // nil when there was no run
	Rows       map[int64]*Row // behind the checkpoint, as far as the journal knows them
	InDoubt    int            // rows whose call was in flight at the interruption
}

// Row is what the journal knows of one row.
type Row struct {
	Outcome  []byte // nil when there is none
	Attempts int    // sent so far
	Doubts   int    // interruptions that caught a call of this row in flight
	Charged  int    // attempts that count against the row

	open bool // the last attempt has not come back
}

// Recover takes up what an interrupted run left, or makes a fresh start. It
// cuts what no checkpoint covers off the outputs, and puts what the journal
// knows into a segment of its own. A crash at any point of it, and another
// Recover, come to the same.
func (d *Dir) Recover() (*Recovered, error) {
	cp, err := readCheckpoint(d.fsys, d.path)
	if err != nil {
		return nil, err
	}
	numbers, err := segments(d.fsys, d.path)
	if err != nil {
		return nil, err
	}
	d.lengths, d.sums = nil, nil
	r := &Recovered{Checkpoint: cp, Rows: map[int64]*Row{}}
	for i, number := range numbers {
		if err := d.replay(r, number, i == len(numbers)-1); err != nil {
			return nil, err
		}
	}
	if cp == nil && len(r.Rows) > 0 {
		return nil, &CorruptError{Path: filepath.Join(d.path, checkpointName), Reason: "it is missing, and the journal has answers"}
	}
	r.settle()
	if cp != nil {
		d.lengths, d.sums = cp.Outputs, cp.Sums
		if cp.Complete {
			return r, nil // the outputs may have been published by now
		}
	}
	if err := d.cutOutputs(); err != nil {
		return nil, err
	}
	return r, d.compact(r, numbers)
}

// replay reads one segment of the journal.
func (d *Dir) replay(r *Recovered, number int, last bool) error {
	name := segmentName(d.path, number)
	b, err := readFile(d.fsys, name)
	if err != nil {
		return ioError("read", name, err)
	}
	from := int64(0)
	if r.Checkpoint != nil {
		from = r.Checkpoint.Row
	}
	valid, damaged := readFrames(b, func(e Entry) {
		if e.Row > from {
			r.take(e)
		}
	})
	switch {
	case valid == len(b):
		return nil
	case damaged || !last:
		return &CorruptError{Path: name, Offset: int64(valid), Reason: "bytes that were durable have changed"}
	default:
		// The torn end goes for good before there is another segment, or
		// after a crash in between it would stand in one that must be whole.
		return d.truncate(name, int64(valid))
	}
}

// take adds what one entry says of its row.
func (r *Recovered) take(e Entry) {
	row := r.Rows[e.Row]
	if row == nil {
		row = &Row{}
		r.Rows[e.Row] = row
	}
	switch e.Kind {
	case doubted:
		row.Doubts = e.Attempt
		return
	case Charged:
		row.Charged = max(row.Charged, e.Attempt)
		return
	default:
	}
	row.Attempts = max(row.Attempts, e.Attempt)
	switch e.Kind {
	case Intent:
		row.open = true
	case Ended:
		row.open = false
		row.Outcome = nil // an outcome that was taken back
	case Outcome:
		row.open = false
		row.Outcome = slices.Clone(e.Payload)
	default:
	}
}

// settle counts the calls that the interruption caught in flight.
func (r *Recovered) settle() {
	for _, row := range r.Rows {
		if row.open {
			row.Doubts++
			r.InDoubt++
		}
	}
}

// compact writes what the journal knows into a new segment and drops the old
// ones. The tail that was in the page cache at a crash is thus never trusted:
// from here on, only what this wrote and synced is. A crash before the old
// segments are gone leaves their entries twice, which says the same.
func (d *Dir) compact(r *Recovered, old []int) error {
	var content []byte
	var entries []Entry
	for _, number := range slices.Sorted(maps.Keys(r.Rows)) {
		entries = r.Rows[number].entries(entries[:0], number)
		for i := range entries {
			content = appendFrame(content, &entries[i])
		}
	}
	next := firstSegment
	if len(old) > 0 {
		next = old[len(old)-1] + 1
	}
	if err := d.journal.begin(next, content); err != nil {
		return err
	}
	for number := range r.Rows {
		d.journal.maxRow = max(d.journal.maxRow, number)
	}
	for _, number := range old {
		name := segmentName(d.path, number)
		if err := d.fsys.Remove(name); err != nil {
			return ioError("remove", name, err)
		}
	}
	return nil
}

// entries are what makes a row again.
func (row *Row) entries(dst []Entry, number int64) []Entry {
	if row.Doubts > 0 {
		dst = append(dst, Entry{Kind: doubted, Row: number, Attempt: row.Doubts})
	}
	if row.Charged > 0 {
		dst = append(dst, Entry{Kind: Charged, Row: number, Attempt: row.Charged})
	}
	if row.Outcome == nil {
		return append(dst, Entry{Kind: Ended, Row: number, Attempt: row.Attempts})
	}
	return append(dst, Entry{Kind: Outcome, Row: number, Attempt: row.Attempts, Payload: row.Outcome})
}

// cutOutputs cuts the partial outputs to what the checkpoint covers: rows
// behind it are written again.
func (d *Dir) cutOutputs() error {
	names, err := d.fsys.ReadDir(d.path)
	if err != nil {
		return ioError("list", d.path, err)
	}
	for _, name := range names {
		if !slices.Contains(outputNames(), name) {
			continue
		}
		if err := d.cut(name, d.lengths[name]); err != nil {
			return err
		}
	}
	for name, length := range d.lengths {
		if length > 0 && !slices.Contains(names, name) {
			return &CorruptError{Path: filepath.Join(d.path, name), Reason: "it is missing"}
		}
	}
	return nil
}

func (d *Dir) cut(name string, length int64) error {
	path := filepath.Join(d.path, name)
	size, err := d.fsys.Size(path)
	if err != nil {
		return ioError("look at", path, err)
	}
	if size < length {
		return &CorruptError{Path: path, Offset: size, Reason: fmt.Sprintf("it has %d bytes and the checkpoint covers %d", size, length)}
	}
	if size == length {
		return nil
	}
	return d.truncate(path, length)
}

// truncate cuts a file, durably.
func (d *Dir) truncate(path string, length int64) error {
	file, err := d.fsys.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return ioError("open", path, err)
	}
	err = file.Truncate(length)
	if err == nil {
		err = file.Sync()
	}
	return ioError("cut", path, errors.Join(err, file.Close()))
}

// outputNames are the partial outputs that a state folder can have.
func outputNames() []string { return []string{Results, Rejects, Answers} }

// Names of the partial outputs.
const (
	Results = "results"
	Rejects = "rejects"
	Answers = "answers" // kept until the run is complete, and not handed on
)

// Discard removes everything that an earlier run left, but for the lock. What
// can be found out again goes first, and a list that came by standard input
// last: until then the run can go on.
func (d *Dir) Discard() error {
	if err := d.remove([]string{Preflight, Preflight + ".tmp", Scratch}); err != nil {
		return err
	}
	if err := d.BeginAnew(); err != nil {
		return err
	}
	return d.remove([]string{Spool, Spool + ".tmp"})
}

// BeginAnew removes what an earlier run came to, and keeps what is known of
// the list. The journal goes first, durably: answers without a checkpoint
// would belong to no run.
func (d *Dir) BeginAnew() error {
	numbers, err := segments(d.fsys, d.path)
	if err != nil {
		return err
	}
	var journal []string
	for _, number := range numbers {
		journal = append(journal, filepath.Base(segmentName(d.path, number)))
	}
	if err := d.remove(journal); err != nil {
		return err
	}
	return d.remove(append(outputNames(), checkpointName, checkpointName+".tmp", Summary, Summary+".tmp"))
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
