// Package ledger keeps what is known of each customer across lists and nights:
// the session id and when it was obtained, or the refusal, and a digest of the
// fields that were sent.
//
// A customer is known by a keyed hash alone, so that the file names nobody;
// the secret is in a file of its own. The database is bbolt's: a B+tree in one
// file, in which a commit is whole or not there, whenever the process or the
// machine dies.
//
//	meta       version, id, a check of the secret, and the pace found last
//	runs       number (8 bytes, big-endian) → when it began (varint), and its id
//	forms      tenant and form, whose customers are in it
//	customers  key (16 bytes) → entry
package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// version is that of the file. Version 1 is taken over.
const version = 2

var (
	metaBucket     = []byte("meta")
	runsBucket     = []byte("runs")
	formsBucket    = []byte("forms")
	customerBucket = []byte("customers")

	versionKey = []byte("version")
	idKey      = []byte("id")
	checkKey   = []byte("check")
)

// openWait is for the moment in which another program looks at the file. Whose
// turn it is, a lock of its own settles before.
const openWait = time.Second

// Ledger is an open ledger, safe for concurrent use: a run asks it while it
// reads, and puts while it writes.
type Ledger struct {
	path   string
	secret []byte
	id     string
	db     database

	takenOver int64
}

// Open opens the ledger at path, and makes it if there is none; its secret is
// in another file. The caller sees to it that no other process has it open.
func Open(path, secretPath string) (*Ledger, error) {
	info, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
	secret, err := readSecret(secretPath, fresh)
	if err != nil {
		return nil, err
	}
	if fresh {
		if err := create(path, secret); err != nil {
			return nil, err
		}
	}
	l := &Ledger{path: path, secret: secret, db: database{path: path}}
	if err := l.introduce(secretPath); err != nil {
		return nil, errors.Join(err, l.db.close())
	}
	return l, nil
}

// create makes an empty ledger, which is there whole or not at all.
func create(path string, secret []byte) error {
	temp := database{path: path + ".tmp"}
	if err := os.Remove(temp.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError("make", path, err)
	}
	err := temp.update(func(tx *bolt.Tx) error { return writeMeta(tx, newHasher(secret)) })
	if err := errors.Join(err, temp.close()); err != nil {
		return err
	}
	if err := os.Rename(temp.path, path); err != nil {
		return fileError("make", path, err)
	}
	return fileError("sync", filepath.Dir(path), syncDir(filepath.Dir(path)))
}

func writeMeta(tx *bolt.Tx, h *Hasher) error {
	for _, name := range [][]byte{runsBucket, formsBucket, customerBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta, err := tx.CreateBucket(metaBucket)
	if err != nil {
		return err
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return errors.Join(meta.Put(versionKey, []byte{version}), meta.Put(idKey, id), meta.Put(checkKey, h.check()))
}

// Close closes the file. What was put is durable already.
func (l *Ledger) Close() error { return l.db.close() }

// ID tells this ledger from every other, wherever its file is.
func (l *Ledger) ID() string { return l.id }

// Path is the file.
func (l *Ledger) Path() string { return l.path }

// Hasher returns what makes the keys of this ledger, for one goroutine.
func (l *Ledger) Hasher() *Hasher { return newHasher(l.secret) }

// introduce takes in what the file says of itself.
func (l *Ledger) introduce(secretPath string) error {
	old := false
	err := l.db.view(func(tx *bolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if meta == nil {
			return &FormatError{Path: l.path, Reason: "it is another program's database"}
		}
		v := meta.Get(versionKey)
		if old = bytes.Equal(v, []byte{1}); !old && !bytes.Equal(v, []byte{version}) {
			return &FormatError{Path: l.path, Reason: fmt.Sprintf("it is of version %x, and this program knows version %d", v, version)}
		}
		if !bytes.Equal(meta.Get(checkKey), l.Hasher().check()) {
			return &SecretError{Path: secretPath, Reason: "this is the key of another ledger than " + l.path}
		}
		l.id = hex.EncodeToString(meta.Get(idKey))
		return nil
	})
	if err == nil && old {
		err = l.takeOver()
	}
	return err
}

// Find gives what is known of a customer.
func (l *Ledger) Find(key Key) (e Entry, known bool, err error) {
	err = l.db.view(func(tx *bolt.Tx) error {
		value := tx.Bucket(customerBucket).Get(key[:])
		if value == nil {
			return nil
		}
		known = true
		e, err = ParseEntry(value)
		return l.entryError(err)
	})
	return e, known, err
}

// Change is what became of a customer.
type Change struct {
	Key   Key
	Entry Entry
}

// Form is a form of a tenant: a process that customers go through.
type Form struct{ Tenant, ID string }

// News is what a run puts down. Without a RunID it is what was known before
// there was a ledger.
type News struct {
	Run     uint64    // its number; 0: it has none yet, and gets one
	RunID   string    // its name everywhere else
	Began   time.Time // when the run did
	Forms   []Form    // of the customers, so that one can be looked for in all of them
	Changes []Change
}

// fullPages leaves some room for who comes between. It is for many customers
// whose keys are near each other.
const fullPages = 0.9

// Put puts down what became of customers, durably and all at once. Putting the
// same twice comes to the same as putting it once, and the order does not
// matter: of each customer the newest session id and the newest refusal stay.
// The changes are sorted in place.
func (l *Ledger) Put(n *News) error {
	run, fill := n.Run, bolt.DefaultFillPercent
	if n.RunID == "" {
		fill = fullPages
	}
	slices.SortStableFunc(n.Changes, func(a, b Change) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	err := l.db.update(func(tx *bolt.Tx) (err error) {
		if run == 0 && n.RunID != "" {
			if run, err = numberFor(tx, Run{n.RunID, n.Began}); err != nil {
				return err
			}
		}
		for _, form := range n.Forms {
			if err := tx.Bucket(formsBucket).Put(appendString(appendString(nil, form.Tenant), form.ID), nil); err != nil {
				return err
			}
		}
		customers := tx.Bucket(customerBucket)
		customers.FillPercent = fill
		for now, i := time.Now(), 0; i < len(n.Changes); i++ {
			n.Changes[i].Entry.of(run)
			if err := l.change(customers, &n.Changes[i], now); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		n.Run = run
	}
	return err
}

func (l *Ledger) change(customers *bolt.Bucket, c *Change, now time.Time) error {
	after := c.Entry
	if value := customers.Get(c.Key[:]); value != nil {
		before, err := ParseEntry(value)
		if err != nil {
			return l.entryError(err)
		}
		after = before.with(&c.Entry, now)
	}
	return customers.Put(c.Key[:], after.Append(nil))
}

// Run is a run that put something down.
type Run struct {
	ID    string
	Began time.Time // in milliseconds
}

// numberFor is the number of a run: a new one, unless it was killed right after
// it had put something, and does not know its number.
func numberFor(tx *bolt.Tx, run Run) (uint64, error) {
	if number := numberOf(tx, run.ID); number > 0 {
		return number, nil
	}
	runs := tx.Bucket(runsBucket)
	number, err := runs.NextSequence()
	if err != nil {
		return 0, err
	}
	return number, runs.Put(binary.BigEndian.AppendUint64(nil, number), append(binary.AppendVarint(nil, run.Began.UnixMilli()), run.ID...))
}

// RunNumber is the number of a run that has put something down, by its name
// everywhere else; 0 when it has not.
func (l *Ledger) RunNumber(id string) (number uint64, err error) {
	err = l.db.view(func(tx *bolt.Tx) error {
		number = numberOf(tx, id)
		return nil
	})
	return number, err
}

// numberOf looks from the latest run to the first: who asks is mostly late.
func numberOf(tx *bolt.Tx, id string) uint64 {
	if id == "" {
		return 0
	}
	c := tx.Bucket(runsBucket).Cursor()
	for number, run := c.Last(); number != nil; number, run = c.Prev() {
		if _, n := binary.Varint(run); n > 0 && string(run[n:]) == id {
			return binary.BigEndian.Uint64(number)
		}
	}
	return 0
}

func (l *Ledger) entryError(err error) error {
	if err == nil {
		return nil
	}
	return &FormatError{Path: l.path, Reason: badValue}
}

// nearSteps is how many entries are passed one by one before the tree is gone
// down again.
const nearSteps = 8

// Match gives what is known of customers, whose keys are in ascending order, as
// it is for ParseEntry; it is good until found returns.
// It goes through the file from the front to the back, so that ten million
// look-ups cost not much more than reading it once, and does not hold more
// than a part of it in memory. found must not use the ledger.
func (l *Ledger) Match(keys []Key, found func(i int, value []byte)) error {
	for from := 0; from < len(keys); {
		if err := l.db.view(func(tx *bolt.Tx) error {
			from = l.match(tx.Bucket(customerBucket).Cursor(), keys, from, found)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// match goes on from the i-th key, until enough of the file has been looked at
// to open it again. It returns where it stopped.
func (l *Ledger) match(c *bolt.Cursor, keys []Key, i int, found func(int, []byte)) int {
	var at, value []byte
	for fresh := true; i < len(keys) && !l.db.full(); i++ {
		key := keys[i][:]
		if fresh || at != nil && !l.near(c, &at, &value, key) {
			at, value = c.Seek(key)
			l.db.touched(farBytes)
		}
		fresh = false
		if bytes.Equal(at, key) {
			found(i, value)
		}
	}
	return i
}

// near steps towards a key, and reports whether it came to where the key is or
// would be.
func (l *Ledger) near(c *bolt.Cursor, at, value *[]byte, key []byte) bool {
	for range nearSteps {
		if *at == nil || bytes.Compare(*at, key) >= 0 {
			return true
		}
		*at, *value = c.Next()
		l.db.touched(len(*at) + len(*value))
	}
	return false
}
