// Package disktest has a file system in memory that can crash and fail, to prove
// what is written by way of package disk.
package disktest

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

	"bulkonboard/batch/disk"
)

// Disk is a file system in memory that remembers what of it is durable, so
// that the disks which a power cut may leave can be drawn from it, and that can
// be told to fail an operation. Folders are there once they are made.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode // what a running program sees
	durable map[string]*inode // names that a folder's fsync has covered
	pending []change          // of names, since then
	folders map[string]bool
	locked  map[string]bool

	Ops    int   // there have been
	FailAt int   // the operation, from 1, that fails; 0 for none
	Sticky bool  // and all after it
	Err    error // with which
	Late   bool  // it takes effect all the same

	Stop    int // the operation at which the machine stops; 0 for never
	Mutant  Mutant
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
func (d *Disk) change(c change) {
	c.apply(d.names)
	d.pending = append(d.pending, c)
}

// inode is a file's content, and what of it an fsync has covered.
type inode struct {
	data   []byte
	synced []byte
}

// Mutant switches off one duty of a file system, as a program would that
// forgot to ask for it.
type Mutant int

// The mutants.
const (
	Faithful Mutant = iota
	NoFolderSync
	NoFileSync
)

// ErrStopped is the error of every operation once the machine has stopped.
var ErrStopped = errors.New("the machine has stopped")

// New is an empty disk.
func New() *Disk {
	return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}, folders: map[string]bool{}, locked: map[string]bool{}}
}

// do counts an operation. It returns what the operation must fail with, and
// whether it takes effect.
func (d *Disk) do() (err error, effective bool) {
	d.Ops++
	if d.stopped || d.Stop > 0 && d.Ops >= d.Stop {
		d.stopped = true
		return ErrStopped, false
	}
	if d.FailAt > 0 && (d.Ops == d.FailAt || d.Sticky && d.Ops > d.FailAt) {
		return d.Err, d.Late
	}
	return nil, true
}

// OpenFile implements disk.FS.
func (d *Disk) OpenFile(name string, flag int, _ fs.FileMode) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if flag&os.O_EXCL != 0 && d.names[name] != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	}
	var failed error
	if flag&os.O_CREATE != 0 {
		var effective bool
		if failed, effective = d.do(); !effective {
			return nil, failed
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
	if failed != nil {
		return nil, failed
	}
	return &file{disk: d, node: node}, nil
}

// Rename implements disk.FS.
func (d *Disk) Rename(from, to string) error {
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

// Link implements disk.FS.
func (d *Disk) Link(from, to string) error {
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

// Remove implements disk.FS.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, effective := d.do()
	if _, ok := d.names[name]; !ok {
		for other := range d.names {
			if strings.HasPrefix(other, name+"/") {
				return syscall.ENOTEMPTY
			}
		}
		if d.folders[name] {
			return err
		}
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if effective {
		d.change(change{name: nil})
	}
	return err
}

// Mkdir implements disk.FS. A folder that is there is not refused: who asks whose it
// is, asks the real file system.
func (d *Disk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.folders[name] = true
	return nil
}

// ReadDir implements disk.FS.
func (d *Disk) ReadDir(dir string) ([]string, error) {
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

// Size implements disk.FS.
func (d *Disk) Size(name string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node := d.names[name]
	if node == nil {
		return 0, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return int64(len(node.data)), nil
}

// SyncDir implements disk.FS.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, effective := d.do()
	if !effective || d.Mutant == NoFolderSync {
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

// Killed is the disk after the process died: everything it wrote is there, and no
// more of it is durable than was.
func (d *Disk) Killed() *Disk {
	after := New()
	after.folders = maps.Clone(d.folders)
	copies := map[*inode]*inode{nil: nil}
	copied := func(names map[string]*inode) map[string]*inode {
		names = maps.Clone(names)
		for name, node := range names {
			if _, ok := copies[node]; !ok {
				copies[node] = &inode{slices.Clone(node.data), slices.Clone(node.synced)}
			}
			names[name] = copies[node]
		}
		return names
	}
	after.names, after.durable = copied(d.names), copied(d.durable)
	for _, c := range d.pending {
		after.pending = append(after.pending, copied(c))
	}
	return after
}

// Cut is a disk that a power cut may leave: of the changes of names since the
// folder's fsync any, and half the time all up to some point; of a file's
// bytes, what an fsync covered, and of the rest any length, each block of it
// new, zeros or rubbish.
func (d *Disk) Cut(r *rand.Rand) *Disk {
	names := maps.Clone(d.durable)
	inOrder, until := r.IntN(2) == 0, r.IntN(len(d.pending)+1)
	for i, c := range d.pending {
		if inOrder && i < until || !inOrder && r.IntN(2) == 0 {
			c.apply(names)
		}
	}
	after := New()
	after.folders = maps.Clone(d.folders)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		after.Put(name, names[name].tear(r))
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

// Put has a file on the disk, durably.
func (d *Disk) Put(name string, data []byte) {
	node := &inode{data: data, synced: slices.Clone(data)}
	d.names[name], d.durable[name] = node, node
}

// Add has a file on the disk as a program leaves it that makes durable what it
// writes, but not under which name.
func (d *Disk) Add(name string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		d.change(change{name: &inode{}})
	}
	d.names[name].data, d.names[name].synced = data, slices.Clone(data)
}

// Files are the files that a running program sees.
func (d *Disk) Files() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	files := map[string][]byte{}
	for name, node := range d.names {
		files[name] = node.data
	}
	return files
}

// Restart ends the process, and no operation fails any more.
func (d *Disk) Restart() {
	d.FailAt, d.locked = 0, map[string]bool{}
}

// file is an open file of a disk. Writes append.
type file struct {
	disk *Disk
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
	if errors.Is(err, ErrStopped) {
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

// Truncate implements disk.File.
func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err, effective := f.disk.do()
	if effective {
		f.node.data = f.node.data[:size]
	}
	return err
}

// Sync implements disk.File.
func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err, effective := f.disk.do()
	if effective && f.disk.Mutant != NoFileSync {
		f.node.synced = slices.Clone(f.node.data)
	}
	return err
}

// Close implements disk.File.
func (f *file) Close() error { return nil }

// Lock implements disk.FS.
func (d *Disk) Lock(name string) (disk.Lock, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked[name] {
		return nil, disk.ErrHeld
	}
	d.locked[name] = true
	return diskLock{d, name}, nil
}

// diskLock is a lock without a file.
type diskLock struct {
	*Disk
	name string
}

// Unlock implements disk.Lock.
func (l diskLock) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.locked, l.name)
	return nil
}

// Remove implements disk.Lock.
func (l diskLock) Remove() error {
	l.mu.Lock()
	err, _ := l.do()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Unlock()
}
