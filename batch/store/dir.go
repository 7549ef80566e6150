package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"bulkonboard/batch/disk"
)

// temps is the folder, at the root, of files that are being written. No object
// has such a name. What a writer that died left there is never looked at, and
// goes when the store is next opened after a while: it may be a whole list.
const temps = ".tmp"

// tempLife is how long a file is left there that was not written to since.
// No writer of another machine is frozen for that long and continues.
const tempLife = 24 * time.Hour

// Dir is a Store in a folder that several machines see: NFS, a volume of
// Kubernetes, or the disk of one machine. An object is a file. It appears by a
// hard link, of which the file system grants one for a name, over NFS too.
// Files and folders are for their owner only: the machines work as one user.
//
// Another machine may see a new object late, by as long as its NFS client
// caches names (a minute, unless mounted otherwise). A put is refused at once.
type Dir struct {
	root string
	fsys disk.FS

	mu      sync.Mutex
	durable map[string]bool // folders whose own names this process has made durable
}

// Open opens the store at an address: the path of a folder that is there.
func Open(address string) (*Dir, error) {
	if scheme, _, ok := strings.Cut(address, "://"); ok {
		return nil, fmt.Errorf("this program has no store for %s addresses: give the path of a shared folder, or use bulkonboard-temporal", scheme)
	}
	if address == "" {
		return nil, errors.New("no store was named: give the path of a shared folder")
	}
	root, err := filepath.Abs(address)
	if err != nil {
		return nil, fmt.Errorf("find the shared folder %s: %w", address, err)
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("the shared folder cannot be used: %w; mount or make it first: it is not made here, so that no machine works alone on a disk of its own", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file: the store must be a folder", root)
	}
	d := &Dir{root: root, fsys: disk.OS{}, durable: map[string]bool{root: true}}
	if err := d.fsys.Mkdir(filepath.Join(root, temps)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("the shared folder cannot be written: %w; all machines must work as its owner", err)
	}
	d.sweep(time.Now().Add(-tempLife))
	return d, nil
}

// sweep removes the temporary files of writers that are long gone. What cannot
// be removed takes up room, and no more.
func (d *Dir) sweep(before time.Time) {
	folder := filepath.Join(d.root, temps)
	left, _ := os.ReadDir(folder)
	for _, e := range left {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			_ = d.fsys.Remove(filepath.Join(folder, e.Name()))
		}
	}
}

// Put implements Store.
func (d *Dir) Put(ctx context.Context, name string, content []byte) error {
	return d.PutFrom(ctx, name, bytes.NewReader(content), int64(len(content)))
}

// PutFrom implements Store. A crash before the link leaves a file in the
// folder of temporary files, and no object; after it, the object, which is
// whole and perhaps not durable yet.
func (d *Dir) PutFrom(ctx context.Context, name string, r io.Reader, size int64) error {
	if err := CheckName(name); err != nil {
		return err
	}
	temp := filepath.Join(d.root, temps, rand.Text())
	err := d.write(ctx, temp, r, size)
	if err == nil {
		err = d.publish(ctx, temp, d.path(name))
	}
	// The object is there or not, whatever becomes of its other name.
	_ = d.fsys.Remove(temp)
	return d.failed("write", name, d.missing(err))
}

// write makes a new file with size bytes of r, durable but for its name.
func (d *Dir) write(ctx context.Context, temp string, r io.Reader, size int64) error {
	return disk.Write(d.fsys, temp, func(w io.Writer) error {
		_, err := io.CopyN(w, &stoppable{ctx: ctx, r: r}, size)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}, true)
}

// stoppable ends reading with its context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// publish gives a durable file its name, and makes the name durable.
func (d *Dir) publish(ctx context.Context, temp, target string) error {
	folder := filepath.Dir(target)
	if err := d.makeFolder(folder); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.link(temp, target); err != nil {
		return err
	}
	return d.fsys.SyncDir(folder)
}

// makeFolder makes a folder and those above it, and makes their names durable
// once a process: another may have made a folder and died before that.
func (d *Dir) makeFolder(folder string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.durable[folder] {
		return nil
	}
	var missing []string
	for f := folder; !d.durable[f]; f = filepath.Dir(f) {
		missing = append(missing, f)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := d.fsys.Mkdir(missing[i]); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := d.fsys.SyncDir(filepath.Dir(missing[i])); err != nil {
			return err
		}
		d.durable[missing[i]] = true
	}
	return nil
}

// link gives a file its name, unless another file has it. The server of a
// network file system may have done what its answer, lost and asked for again,
// denies: whatever the error, a name that leads to our file is ours.
func (d *Dir) link(temp, target string) error {
	err := d.fsys.Link(temp, target)
	if err == nil || same(temp, target) {
		return nil
	}
	switch info, _ := os.Stat(target); {
	case errors.Is(err, fs.ErrExist) && info != nil && info.IsDir():
		return errors.New("objects have names that begin with this one and a slash")
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM):
		return fmt.Errorf("its file system gives no hard links (%s), so it cannot tell which of two machines came first; use a folder on NFS or on a disk of Linux or macOS, or S3", err.Error())
	}
	return err
}

func same(temp, target string) bool {
	a, errA := os.Stat(temp)
	b, errB := os.Stat(target)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// Get implements Store.
func (d *Dir) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return nil, err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, d.failed("read", name, d.missing(err))
	}
	err = place(f, offset)
	if err != nil {
		return nil, d.failed("read", name, errors.Join(err, f.Close()))
	}
	if length < 0 {
		length = 1<<63 - 1
	}
	return &part{Reader: io.LimitReader(&stoppable{ctx: ctx, r: f}, length), Closer: f}, nil
}

// place goes to an offset of a file; a folder is not an object.
func place(f *os.File, offset int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fs.ErrNotExist
	}
	_, err = f.Seek(offset, io.SeekStart)
	return err
}

// part is a part of a file that is open.
type part struct {
	io.Reader
	io.Closer
}

// Delete implements Store. The folders stay.
func (d *Dir) Delete(ctx context.Context, name string) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	path := d.path(name)
	info, err := os.Lstat(path)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		err = d.fsys.Remove(path)
	}
	if err = d.missing(err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.fsys.SyncDir(filepath.Dir(path))
	}
	return d.failed("delete", name, err)
}

// missing makes sure of an error that says that a file is missing: it must not
// mean that the whole store is, as when the network file system was unmounted
// and the empty folder below it shows.
func (d *Dir) missing(err error) error {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	if _, gone := os.Stat(filepath.Join(d.root, temps)); gone != nil {
		return fmt.Errorf("the shared folder is gone (%s); mount it again", gone.Error())
	}
	return fs.ErrNotExist
}

// failed says what could not be done with which object, and where. That ctx
// ended is not the store's failure.
func (d *Dir) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s in %s: %w", op, name, d.root, err)
	}
	return &Error{Op: op, Name: name, Store: d.root, Err: disk.Cause(err)}
}

func (d *Dir) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }
