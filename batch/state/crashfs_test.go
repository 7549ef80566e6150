package state

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// disk is a file system in memory that remembers what of it is durable, so
// that the disks which a power cut may leave can be drawn from it, and that can
// be told to fail an operation.
type disk struct {
	mu      sync.Mutex
	names   map[string]*inode // what a running program sees
	durable map[string]*inode // names that a folder's fsync has covered
	pending []change          // of names, since then
	locked  map[string]bool

	ops    int
	failAt int   // the operation, from 1, that fails; 0 for none
	sticky bool  // and all after it
	err    error // with which
	late   bool  // it takes effect all the same

	stop    int // the operation at which the machine stops; 0 for never
	mutant  mutant
	stopped bool
}

// change is one operation on names, which happens wholly or not at all: what
// each name is afterwards, nil for gone.
type change map[string]*inode

func (c change) apply(names map[string]*inode) {
	for name, node := range c {
		if node == nil {
			delete(names, name)
		} else {
			names[name] = node
		}
	}
}

// change makes a change that the running program sees at once.
func (d *disk) change(c change) {
	c.apply(d.names)
	d.pending = append(d.pending, c)
}

// inode is a file's content, and what of it an fsync has covered.
type inode struct {
	data   []byte
	synced []byte
}

// mutant switches off one duty of a file system, as a program would that
// forgot to ask for it.
type mutant int

const (
	faithful mutant = iota
	noFolderSync
	noFileSync
)

var errStopped = errors.New("the machine has stopped")

func newDisk() *disk {
	return &disk{names: map[string]*inode{}, durable: map[string]*inode{}, locked: map[string]bool{}}
}

// do counts an operation. It returns what the operation must fail with, and
// whether it takes effect.
func (d *disk) do() (err error, effective bool) {
	d.ops++
	if d.stopped || d.stop > 0 && d.ops >= d.stop {
		d.stopped = true
		return errStopped, false
	}
	if d.failAt > 0 && (d.ops == d.failAt || d.sticky && d.ops > d.failAt) {
		return d.err, d.late
	}
	return nil, true
}

func (d *disk) OpenFile(name string, flag int, _ fs.FileMode) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if flag&os.O_EXCL != 0 && d.names[name] != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	}
	if flag&os.O_CREATE != 0 {
		if err, effective := d.do(); !effective {
			return nil, err
		}
	}
	node := d.names[name]
	if node == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		node = &inode{}
		d.change(change{name: node})
	}
	if flag&os.O_TRUNC != 0 {
		node.data = nil
	}
	return &file{disk: d, node: node}, nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, effective := d.do()
	node := d.names[from]
	if node == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if effective {
		d.change(change{from: nil, to: node})
	}
	return err
}

func (d *disk) Link(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, effective := d.do()
	node := d.names[from]
	switch {
	case node == nil:
		return &fs.PathError{Op: "link", Path: from, Err: fs.ErrNotExist}
	case d.names[to] != nil:
		return &fs.PathError{Op: "link", Path: to, Err: fs.ErrExist}
	case effective:
		d.change(change{to: node})
	}
	return err
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, effective := d.do()
	if _, ok := d.names[name]; !ok {
		for other := range d.names {
			if strings.HasPrefix(other, name+"/") {
				return syscall.ENOTEMPTY
			}
		}
		if name == folder {
			return err
		}
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if effective {
		d.change(change{name: nil})
	}
	return err
}

func (d *disk) MkdirAll(string, fs.FileMode) error { return nil }

func (d *disk) ReadDir(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for name := range d.names {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) Size(name string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node := d.names[name]
	if node == nil {
		return 0, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return int64(len(node.data)), nil
}

func (d *disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, effective := d.do()
	if !effective || d.mutant == noFolderSync {
		return err
	}
	d.pending = slices.DeleteFunc(d.pending, func(c change) bool {
		for name := range c {
			if filepath.Dir(name) == dir {
				c.apply(d.durable)
				return true
			}
		}
		return false
	})
	return err
}

// killed is the disk after the process died: everything it wrote is there.
func (d *disk) killed() *disk {
	after := newDisk()
	for name, node := range d.names {
		after.put(name, slices.Clone(node.data))
	}
	return after
}

// cut is a disk that a power cut may leave: of the changes of names since the
// folder's fsync any, and half the time all up to some point; of a file's
// bytes, what an fsync covered, and of the rest any length, each block of it
// new, zeros or rubbish.
func (d *disk) cut(r *rand.Rand) *disk {
	names := maps.Clone(d.durable)
	inOrder, until := r.IntN(2) == 0, r.IntN(len(d.pending)+1)
	for i, c := range d.pending {
		if inOrder && i < until || !inOrder && r.IntN(2) == 0 {
			c.apply(names)
		}
	}
	after := newDisk()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		after.put(name, names[name].tear(r))
	}
	return after
}

const block = 64 // small, so that small files have many

func (n *inode) tear(r *rand.Rand) []byte {
	if len(n.data) <= len(n.synced) {
		if r.IntN(2) == 0 {
			return slices.Clone(n.synced) // the truncation is not durable
		}
		return slices.Clone(n.data)
	}
	torn := slices.Clone(n.data[:len(n.synced)+r.IntN(len(n.data)-len(n.synced)+1)])
	for from := len(n.synced); from < len(torn); from += block {
		part := torn[from:min(len(torn), from+block)]
		switch r.IntN(4) {
		case 0:
			clear(part)
		case 1:
			for i := range part {
				part[i] = byte(r.Uint32())
			}
		}
	}
	return torn
}

func (d *disk) put(name string, data []byte) {
	node := &inode{data: data, synced: slices.Clone(data)}
	d.names[name], d.durable[name] = node, node
}

// file is an open file of a disk. Writes append.
type file struct {
	disk *disk
	node *inode
	read int
}

func (f *file) Read(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.read >= len(f.node.data) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[f.read:])
	f.read += n
	return n, nil
}

// Write writes half when it fails without effect: a full disk takes a part.
func (f *file) Write(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err, effective := f.disk.do()
	n := len(b)
	if errors.Is(err, errStopped) {
		return 0, err
	}
	if !effective {
		n = len(b) / 2
	}
	f.node.data = append(f.node.data, b[:n]...)
	if err == nil {
		return n, nil
	}
	return n, err
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err, effective := f.disk.do()
	if effective {
		f.node.data = f.node.data[:size]
	}
	return err
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err, effective := f.disk.do()
	if effective && f.disk.mutant != noFileSync {
		f.node.synced = slices.Clone(f.node.data)
	}
	return err
}

func (f *file) Close() error { return nil }
