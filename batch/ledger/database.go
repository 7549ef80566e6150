package ledger

import (
	"sync"

	bolt "go.etcd.io/bbolt"
)

// The database maps its file into memory, and every page of it that is looked
// at stays there, in the cache of the system and in the account of this
// process. So that a file of gigabytes does not take as much, it is opened
// again when so much of it has been looked at, which lets go of all of it.
const (
	heldBytes = 64 << 20

	// farBytes is what one look-up far from the last one costs: the system
	// maps the pages around as well.
	farBytes = 64 << 10
)

// database is an open bbolt database. Views and updates wait for each other.
type database struct {
	path string

	mu   sync.Mutex // covers what follows
	db   *bolt.DB
	held int // bytes that have been looked at, about
}

func (d *database) open() error {
	db, err := bolt.Open(d.path, 0o600, &bolt.Options{Timeout: openWait, FreelistType: bolt.FreelistMapType})
	if err != nil {
		if isBolt(err) {
			return &FormatError{Path: d.path, Reason: "it is no ledger (" + err.Error() + ")"}
		}
		return fileError("open", d.path, err)
	}
	d.db, d.held = db, 0
	return nil
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

// touched takes note of pages that were looked at. It is called within view
// and update.
func (d *database) touched(bytes int) { d.held += bytes }

// full reports that a view is to end, so that the file can be opened again.
func (d *database) full() bool { return d.held > heldBytes }

func (d *database) view(f func(*bolt.Tx) error) error {
	return d.do(func(db *bolt.DB) error { return db.View(f) }, "read")
}

// update makes a change durable, or leaves everything as it was.
func (d *database) update(f func(*bolt.Tx) error) error {
	return d.do(func(db *bolt.DB) error { return db.Update(f) }, "write")
}

func (d *database) do(f func(*bolt.DB) error, op string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db == nil || d.full() {
		if err := d.reopen(); err != nil {
			return err
		}
	}
	return fileError(op, d.path, f(d.db))
}

func (d *database) reopen() error {
	if d.db != nil {
		err := d.db.Close()
		if d.db = nil; err != nil {
			return fileError("close", d.path, err)
		}
	}
	return d.open()
}
