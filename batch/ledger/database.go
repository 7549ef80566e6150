package ledger

import (
	"errors"
	"io/fs"
	"sync"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The database maps its file into memory, and every page of it that is looked
// at stays there, in the cache of the system and in the account of this
// process. So that a file of gigabytes does not take as much, one that is gone
// through is opened again when so much of it has been looked at, which lets go
// of all of it. To write, the database reads up on its free pages first, which
// takes it a tenth of a second in a large file, so it is opened for writing
// only once there is something to write.
const (
	heldBytes = 8 << 20

	// farBytes is what one look-up far from the last one costs: the system
	// maps the pages around as well.
	farBytes = 64 << 10
)

// database is a bbolt database, opened as it is needed. Views and updates wait
// for each other.
type database struct {
	path string

	mu   sync.Mutex // covers what follows
	db   *bolt.DB   // nil while it is closed
	held int        // bytes that have been looked at, about
}

func (d *database) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closeNow()
}

func (d *database) closeNow() error {
	if d.db == nil {
		return nil
	}
	err := d.db.Close()
	d.db = nil
	return fileError("close", d.path, err)
}

// touched takes note of bytes that were looked at. It is called within view.
func (d *database) touched(bytes int) { d.held += bytes }

// full reports that a view is to end, so that the file can be opened again.
func (d *database) full() bool { return d.held > heldBytes }

func (d *database) view(f func(*bolt.Tx) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db == nil || d.full() {
		if err := d.reopen(true); err != nil {
			return err
		}
	}
	return fileError("read", d.path, d.db.View(f))
}

// update makes a change durable, or leaves everything as it was.
func (d *database) update(f func(*bolt.Tx) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db == nil || d.db.IsReadOnly() {
		if err := d.reopen(false); err != nil {
			return err
		}
	}
	return fileError("write", d.path, d.db.Update(f))
}

func (d *database) reopen(readOnly bool) error {
	if err := d.closeNow(); err != nil {
		return err
	}
	db, err := bolt.Open(d.path, 0o600, &bolt.Options{Timeout: openWait, FreelistType: bolt.FreelistMapType, ReadOnly: readOnly})
	if err != nil {
		if !ofSystem(err) {
			return &FormatError{Path: d.path, Reason: "it is no ledger (" + err.Error() + ")"}
		}
		return fileError("open", d.path, err)
	}
	d.db, d.held = db, 0
	return nil
}

// ofSystem reports an error of a file, and not of what is in it. The lock beside
// the ledger is ours, so a time-out means that somebody else holds the file.
func ofSystem(err error) bool {
	var path *fs.PathError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &number) || errors.Is(err, bolterrors.ErrTimeout)
}
