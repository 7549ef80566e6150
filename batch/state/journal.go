package state

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"bulkonboard/batch/disk"
)

const (
	segmentPrefix = "journal-"
	firstSegment  = 1
)

func segmentName(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%s%06d", segmentPrefix, number))
}

// segments lists the numbers of the journal's segments, in order.
func segments(fsys disk.FS, dir string) ([]int, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, ioError("list", dir, err)
	}
	var numbers []int
	for _, name := range names {
		digits, found := strings.CutPrefix(name, segmentPrefix)
		if n, err := strconv.Atoi(digits); found && err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// segment is one as a checkpoint names it.
type segment struct {
	Number int   `json:"number"`
	Bytes  int64 `json:"bytes"` // that are durable, at least
}

// closed is a segment that nothing is appended to any more.
type closed struct {
	size int64 // bytes
	last int64 // row that it has an entry of
}

// journal is the segments that are being written. Append and Sync may run
// beside each other and beside rotate.
type journal struct {
	fsys  disk.FS
	dir   string
	limit int64 // bytes of a segment beyond which a commit begins another

	mu      sync.Mutex // covers what follows
	file    disk.File
	number  int
	size    int64
	durable int64 // bytes that an fsync has covered
	marked  int64 // of these, what a synced frame has said so of
	maxRow  int64
	old     map[int]closed // earlier segments
	broken  error
	buf     []byte
}

// append writes entries in one write. When it fails, the journal is cut back
// to what was whole, and takes no more.
func (j *journal) append(entries []Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	j.buf = j.buf[:0]
	if j.durable > j.marked {
		j.buf = appendFrame(j.buf, &Entry{Kind: synced, Row: j.durable})
	}
	for i := range entries {
		if len(entries[i].Payload) > maxPayload {
			return fmt.Errorf("row %d: a journal entry of %d bytes is too large", entries[i].Row, len(entries[i].Payload))
		}
		j.buf = appendFrame(j.buf, &entries[i])
		j.maxRow = max(j.maxRow, entries[i].Row)
	}
	if _, err := j.file.Write(j.buf); err != nil {
		_ = j.file.Truncate(j.size) // recovery would cut it as well
		j.broken = ioError("write", j.name(), err)
		return j.broken
	}
	j.marked = j.durable
	j.size += int64(len(j.buf))
	return nil
}

// sync makes durable what was appended before it. It does not hold up append.
func (j *journal) sync() error {
	j.mu.Lock()
	file, number, size, err := j.file, j.number, j.size, j.broken
	j.mu.Unlock()
	if err != nil {
		return err
	}
	err = file.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.number != number:
		// The segment was rotated meanwhile, which made it durable.
		return nil
	case err != nil:
		j.broken = ioError("sync", j.name(), err)
		return j.broken
	}
	j.durable = max(j.durable, size)
	return nil
}

// begin makes the next segment, with content, and makes both its content and
// its name durable before anything counts on it.
func (j *journal) begin(number int, content []byte) error {
	name := segmentName(j.dir, number)
	if err := disk.Write(j.fsys, name, disk.Copy(bytes.NewReader(content)), len(content) > 0); err != nil {
		return ioError("write", name, err)
	}
	if err := j.fsys.SyncDir(j.dir); err != nil {
		return ioError("sync", j.dir, err)
	}
	file, err := j.fsys.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return ioError("open", name, err)
	}
	j.file, j.number = file, number
	j.size = int64(len(content))
	j.durable, j.marked = j.size, 0
	return nil
}

// commit has a checkpoint saved that covers everything up to a row and names the
// segments which a resumed run must find, with what of each is durable, and
// drops the others. A segment that has grown is closed first; until the
// checkpoint names the next one, nothing is appended to that.
func (j *journal) commit(row int64, save func([]segment) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if j.size <= j.limit {
		needed := j.needed(row)
		j.mu.Unlock()
		err := save(needed)
		j.mu.Lock()
		return cmp.Or(err, j.drop(row))
	}
	err := j.rotate()
	if err == nil {
		err = save(j.needed(row))
	}
	if err == nil {
		err = j.drop(row)
	}
	j.broken = err
	return err
}

// needed are the segments that have entries of rows behind a row, and the
// present one.
func (j *journal) needed(row int64) []segment {
	var needed []segment
	for number, old := range j.old {
		if old.last > row {
			needed = append(needed, segment{number, old.size})
		}
	}
	slices.SortFunc(needed, func(a, b segment) int { return a.Number - b.Number })
	return append(needed, segment{j.number, j.durable})
}

// drop removes the segments that hold nothing behind a row. A crash right
// before leaves some that no checkpoint names, which recovery passes over.
func (j *journal) drop(row int64) error {
	for number, old := range j.old {
		if old.last > row {
			continue
		}
		if err := j.fsys.Remove(segmentName(j.dir, number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ioError("remove", segmentName(j.dir, number), err)
		}
		delete(j.old, number)
	}
	return nil
}

// rotate closes the present segment, durable, before the next one exists: only
// the last segment can have a torn end.
func (j *journal) rotate() error {
	if err := errors.Join(j.file.Sync(), j.file.Close()); err != nil {
		return ioError("sync", j.name(), err)
	}
	j.old[j.number] = closed{size: j.size, last: j.maxRow}
	j.maxRow = 0
	return j.begin(j.number+1, nil)
}

// forget forgets the segments of a run that is removed: those of the next one have
// the same names.
func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.old, j.maxRow, j.size, j.durable, j.marked = map[int]closed{}, 0, 0, 0, 0
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return ioError("close", j.name(), err)
}

func (j *journal) name() string { return segmentName(j.dir, j.number) }
