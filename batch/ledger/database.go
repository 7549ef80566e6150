package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"bulkonboard/batch/disk"
)

// openWait is for the moment in which another program looks at the file. Whose
// turn it is, a lock of its own settles before.
const openWait = time.Second

// database is a bbolt database that is written to. It reads up on its free pages
// when it is opened, which takes it a tenth of a second in a large file, so it
// is opened only once there is something to write.
type database struct {
	fsys   disk.FS // that its name is in
	path   string
	create bool // the file, which must not be there

	mu sync.Mutex // covers what follows
	db *bolt.DB   // nil while it is closed
}

func (d *database) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db == nil {
		return nil
	}
	err := d.db.Close()
	d.db = nil
	return fileError("close", d.path, err)
}

// update makes a change durable, or leaves everything as it was.
func (d *database) update(f func(*bolt.Tx) error) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.guard(debug.SetPanicOnFault(true), &err)
	if d.db == nil {
		if !d.create { // who gave it its name may have been killed before that was durable
			err = d.fsys.SyncDir(filepath.Dir(d.path))
		}
		if err != nil {
			return fileError("sync", filepath.Dir(d.path), err)
		}
		o := &bolt.Options{Timeout: openWait, FreelistType: bolt.FreelistMapType, PageSize: usualPage, OpenFile: d.open}
		if d.db, err = bolt.Open(d.path, 0o600, o); err != nil {
			if !ofSystem(err) {
				err = damaged("%v", err)
			}
			return fileError("open", d.path, err)
		}
	}
	return fileError("write", d.path, d.db.Update(f))
}

// guard makes an error of what the database does when it finds its file to be
// otherwise than it was a moment ago: it panics, or touches memory behind the
// end of the file. It cannot be closed any more then.
func (d *database) guard(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if r := recover(); r != nil {
		d.db, *err = nil, fileError("write", d.path, damaged("it was changed while it was open (%v)", r))
	}
}

// open makes a new file never through a link, and never over another's.
func (d *database) open(name string, flag int, perm os.FileMode) (*os.File, error) {
	if flag &^= os.O_CREATE; d.create {
		flag |= os.O_CREATE | os.O_EXCL | syscall.O_NOFOLLOW
	}
	return os.OpenFile(name, flag, perm)
}

// ofSystem reports an error of a file, and not of what is in it. The lock beside
// the ledger is ours, so a time-out means that somebody else holds the file.
func ofSystem(err error) bool {
	var path *fs.PathError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &number) || errors.Is(err, bolterrors.ErrTimeout)
}
