package state

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"bulkonboard/batch/disk"
)

// Recovered is what an interrupted run left.
type Recovered struct {
	Checkpoint *Checkpoint    // nil when there was no run
	Rows       map[int64]*Row // behind the checkpoint, as far as the journal knows them
	InDoubt    int            // rows whose call was in flight at the interruption
	Torn       int64          // bytes at the journal's end that a power cut has taken
}

// Row is what the journal knows of one row.
type Row struct {
	Result   []byte // nil when there is none
	Attempts int    // sent so far
	Doubts   int    // interruptions that caught a call of this row in flight
	Charged  int    // attempts that count against the row

	open bool // the last attempt has not come back
}

// Recover takes up what an interrupted run left, or makes a fresh start. It
// compares the outputs with what the checkpoint says of them, cuts off what no
// checkpoint covers, and puts what the journal knows into a segment of its own.
// A crash at any point of it, and another Recover, come to the same.
func (d *Dir) Recover() (*Recovered, error) {
	cp, err := anyCheckpoint(d.fsys, d.path)
	if err != nil {
		return nil, err
	}
	if cp != nil && cp.Discarded {
		if err := d.StartOver(); err != nil {
			return nil, err
		}
		cp = nil
	}
	d.covered, d.kept = nil, nil
	if cp != nil {
		d.covered, err = coveredBy(cp, filepath.Join(d.path, checkpointName))
	}
	if err != nil {
		return nil, err
	}
	r := &Recovered{Checkpoint: cp, Rows: map[int64]*Row{}}
	if cp != nil && cp.Complete {
		return r, nil // the outputs may have been published by now
	}
	numbers, err := segments(d.fsys, d.path)
	if err != nil {
		return nil, err
	}
	if err := d.replay(r, numbers); err != nil {
		return nil, err
	}
	r.settle()
	if err := d.cutOutputs(); err != nil {
		return nil, err
	}
	return r, d.compact(r, numbers)
}

// replay reads the journal: the segments that the checkpoint names. Any other is
// what a crash has left of one that nothing had been appended to yet, or that
// had nothing any more.
func (d *Dir) replay(r *Recovered, there []int) error {
	if r.Checkpoint == nil {
		return d.nothingAppended(there)
	}
	named := r.Checkpoint.Journal
	for i, s := range named {
		if err := d.replaySegment(r, s, i == len(named)-1); err != nil {
			return err
		}
	}
	return nil
}

// nothingAppended checks that there never was a checkpoint: an entry comes
// behind the first one.
func (d *Dir) nothingAppended(there []int) error {
	for _, number := range there {
		b, err := disk.ReadFile(d.fsys, segmentName(d.path, number))
		if err != nil {
			return ioError("read", segmentName(d.path, number), err)
		}
		entries := 0
		readFrames(b, func(Entry) { entries++ })
		if entries > 0 {
			return &CorruptError{Path: filepath.Join(d.path, checkpointName), Reason: "it is missing, and the journal has answers"}
		}
	}
	return nil
}

// replaySegment reads one segment. Only the last one may have a torn end, behind
// what was durable with the checkpoint.
func (d *Dir) replaySegment(r *Recovered, s segment, last bool) error {
	name := segmentName(d.path, s.Number)
	b, err := disk.ReadFile(d.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return &CorruptError{Path: name, Reason: "it is missing"}
	}
	if err != nil {
		return ioError("read", name, err)
	}
	valid, damaged := readFrames(b, func(e Entry) {
		if e.Row > r.Checkpoint.Row {
			r.take(e)
		}
	})
	if damaged || valid < len(b) && !last || int64(valid) < s.Bytes {
		return &CorruptError{Path: name, Offset: int64(valid), Reason: "bytes that were durable have changed"}
	}
	r.Torn = int64(len(b) - valid)
	return nil
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
		row.Result = nil // a result that was taken back
	case Result:
		row.open = false
		row.Result = slices.Clone(e.Payload)
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

// compact writes what the journal knows into a new segment, which takes the
// place of the others with the next checkpoint. The tail that was in the page
// cache at a crash is thus never trusted: from then on, only what this wrote and
// synced is.
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
		d.journal.old[number] = closed{} // until the next checkpoint, these are what counts
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
	if row.Result == nil {
		return append(dst, Entry{Kind: Ended, Row: number, Attempt: row.Attempts})
	}
	return append(dst, Entry{Kind: Result, Row: number, Attempt: row.Attempts, Payload: row.Result})
}

// cutOutputs cuts the partial outputs to what the checkpoint covers: rows
// behind it are written again.
func (d *Dir) cutOutputs() error {
	for _, name := range outputNames() {
		path := filepath.Join(d.path, name)
		size, err := d.fsys.Size(path)
		covered := d.covered[name]
		switch {
		case errors.Is(err, fs.ErrNotExist) && (covered == nil || covered.length == 0):
			continue // its name is durable with the checkpoint, not before
		case errors.Is(err, fs.ErrNotExist):
			return &CorruptError{Path: path, Reason: "it is missing"}
		case err != nil:
			return ioError("look at", path, err)
		case covered == nil && size > 0 && d.covered == nil:
			return d.withoutCheckpoint(name)
		}
		if err := d.cut(path, size, covered); err != nil {
			return err
		}
	}
	return nil
}

// withoutCheckpoint refuses rows that no checkpoint comes before, or the link to
// another file that somebody put in their place.
func (d *Dir) withoutCheckpoint(name string) error {
	path := filepath.Join(d.path, name)
	file, err := d.fsys.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return ioError("open", path, err)
	}
	return &CorruptError{Path: filepath.Join(d.path, checkpointName), Reason: "it is missing, and there are rows of the " + name}
}

// cut cuts a file to what the checkpoint covers of it, which must be what was
// written.
func (d *Dir) cut(path string, size int64, covered *extent) error {
	length := int64(0)
	if covered != nil {
		length = covered.length
		if err := covered.check(d.fsys, path); err != nil {
			return err
		}
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
func outputNames() []string { return []string{Results, Rejects, CustomerResults, Problems} }

// Names of the partial outputs.
const (
	Results = "results"
	Rejects = "rejects"
	// What follows is kept until the run is complete, and not handed on.
	CustomerResults = "answers"
	Problems        = "problems"
)
