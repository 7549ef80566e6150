package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const (
	segmentPrefix = "journal-"
	firstSegment  = 1
)

func segmentName(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%s%06d", segmentPrefix, number))
}

// segments lists the numbers of the journal's segments, in order.
func segments(fsys FS, dir string) ([]int, error) {
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

// journal is the segments that are being written. Append and Sync may run
// beside each other and beside rotate.
type journal struct {
	fsys  FS
	dir   string
	limit int64 // bytes of a segment beyond which the next commit begins another

	mu      sync.Mutex // covers what follows
	file    File
	number  int
	size    int64
	durable int64 // bytes that an fsync has covered
	marked  int64 // of these, what a synced frame has said so of
	maxRow  int64
	old     map[int]int64 // earlier segments and the last row each has an entry of
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
// its name durable before anything counts on it. Of the very first one, which
// is empty, the name is durable with the checkpoint that goes before the first
// entry.
func (j *journal) begin(number int, content []byte) error {
	name := segmentName(j.dir, number)
	if err := writeFile(j.fsys, name, bytes.NewReader(content), len(content) > 0); err != nil {
		return err
	}
	if number > firstSegment {
		if err := j.fsys.SyncDir(j.dir); err != nil {
			return ioError("sync", j.dir, err)
		}
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

// committed drops the segments that hold nothing beyond a row, and begins
// another when the present one has grown.
func (j *journal) committed(row int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if j.size > j.limit {
		if err := j.rotate(); err != nil {
			j.broken = err
			return err
		}
	}
	for number, last := range j.old {
		if last > row {
			continue
		}
		// A crash right here leaves a segment of rows that are written,
		// which recovery passes over.
		if err := j.fsys.Remove(segmentName(j.dir, number)); err != nil {
			j.broken = ioError("remove", segmentName(j.dir, number), err)
			return j.broken
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
	j.old[j.number] = j.maxRow
	j.maxRow = 0
	return j.begin(j.number+1, nil)
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
