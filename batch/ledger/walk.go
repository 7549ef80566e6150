package ledger

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// All gives every customer, in the order of the keys, and ends with the first
// error that f returns. f must not use the ledger.
func (l *Ledger) All(f func(Key, *Entry) error) error {
	return l.each(func(key, value []byte) error {
		e, err := ParseEntry(value)
		if err != nil {
			return l.entryError(err)
		}
		return f(Key(key), &e)
	})
}

// Len counts the customers.
func (l *Ledger) Len() (n int64, err error) {
	err = l.each(func([]byte, []byte) error { n++; return nil })
	return n, err
}

// errPause ends a view so that the file can be opened again.
var errPause = errors.New("pause")

func (l *Ledger) each(f func(key, value []byte) error) error {
	var from Key
	for {
		var stop error // of f: the file is not to blame
		err := l.db.view(func(tx *bolt.Tx) error {
			c := tx.Bucket(customerBucket).Cursor()
			for key, value := c.Seek(from[:]); key != nil; key, value = c.Next() {
				if l.db.full() {
					from = Key(key)
					return errPause
				}
				l.db.touched(len(key) + len(value))
				if stop = f(key, value); stop != nil {
					return nil
				}
			}
			return nil
		})
		if stop != nil || !errors.Is(err, errPause) {
			return errors.Join(stop, err)
		}
	}
}

// Runs gives the runs that put something down, by number.
func (l *Ledger) Runs() (map[uint64]Run, error) {
	runs := map[uint64]Run{}
	err := l.db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(runsBucket).ForEach(func(number, run []byte) error {
			at, n := binary.Varint(run)
			if len(number) != 8 || n <= 0 {
				return l.entryError(errValue)
			}
			runs[binary.BigEndian.Uint64(number)] = Run{ID: string(run[n:]), Began: time.UnixMilli(at).UTC()}
			return nil
		})
	})
	return runs, err
}

// Forms gives the forms whose customers are in the ledger, or have been.
func (l *Ledger) Forms() ([]Form, error) {
	var forms []Form
	err := l.db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(formsBucket).ForEach(func(b, _ []byte) error {
			p := parser{rest: b}
			forms = append(forms, Form{p.text(), p.text()})
			if p.failed {
				return l.entryError(errValue)
			}
			return nil
		})
	})
	return forms, err
}

// rewriteBatch is how many entries of a new file are one transaction.
const rewriteBatch = 50_000

// Erase erases what edit takes out of entries, and counts the customers of whom
// nothing is left. The file is written anew: the database alone would leave what
// was erased in pages that are free. Until the new file is in its place, nothing
// has happened.
func (l *Ledger) Erase(edit func(Key, *Entry)) (erased int64, err error) {
	err = l.rewrite(func(key Key, value []byte) ([]byte, error) {
		e, err := ParseEntry(value)
		if err != nil {
			return nil, l.entryError(err)
		}
		if edit(key, &e); e.Outcome() == 0 {
			erased++
			return nil, nil
		}
		return e.Append(nil), nil
	})
	if err != nil {
		erased = 0
	}
	return erased, err
}

// rewrite puts a new file in the place of the ledger's, with the values that
// revise makes of those that are there; nil leaves the customer out.
func (l *Ledger) rewrite(revise func(key Key, value []byte) ([]byte, error)) error {
	next := database{path: l.path + ".tmp"}
	if err := os.Remove(next.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError("make", next.path, err)
	}
	if err := errors.Join(l.copyTo(&next, revise), next.close()); err != nil {
		return errors.Join(err, os.Remove(next.path))
	}
	if err := l.db.close(); err != nil {
		return err
	}
	if err := os.Rename(next.path, l.path); err != nil {
		return fileError("replace", l.path, err)
	}
	return fileError("sync", filepath.Dir(l.path), syncDir(filepath.Dir(l.path)))
}

// copyTo copies everything to an empty database, with revised values.
func (l *Ledger) copyTo(next *database, revise func(Key, []byte) ([]byte, error)) error {
	err := l.db.view(func(from *bolt.Tx) error {
		return next.update(func(to *bolt.Tx) error {
			for _, name := range [][]byte{metaBucket, runsBucket, formsBucket} {
				if err := copyBucket(from, to, name); err != nil {
					return err
				}
			}
			_, err := to.CreateBucket(customerBucket)
			return errors.Join(err, to.Bucket(metaBucket).Put(versionKey, []byte{version}))
		})
	})
	if err != nil {
		return err
	}
	var batch [][2][]byte
	flush := func() error {
		err := next.append(batch)
		batch = batch[:0]
		return err
	}
	err = l.each(func(key, value []byte) error {
		value, err := revise(Key(key), value)
		if value == nil || err != nil {
			return err
		}
		if batch = append(batch, [2][]byte{append([]byte(nil), key...), value}); len(batch) < rewriteBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return err
}

// append puts entries behind all others, in pages that are full.
func (d *database) append(entries [][2][]byte) error {
	return d.update(func(tx *bolt.Tx) error {
		customers := tx.Bucket(customerBucket)
		customers.FillPercent = fullPages
		for _, e := range entries {
			if err := customers.Put(e[0], e[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

func copyBucket(from, to *bolt.Tx, name []byte) error {
	b, err := to.CreateBucket(name)
	if err != nil {
		return err
	}
	old := from.Bucket(name)
	if err := b.SetSequence(old.Sequence()); err != nil {
		return err
	}
	return old.ForEach(b.Put)
}
