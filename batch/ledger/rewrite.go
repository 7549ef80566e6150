package ledger

import (
	"bytes"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"bulkonboard/batch/disk"
)

// Erase erases what edit takes out of entries, and counts the customers of whom
// nothing is left. The file is written again: the database alone would leave what
// was erased in pages that are free. Until the new file is in its place, nothing
// has happened.
func (l *Ledger) Erase(edit func(Key, *Entry)) (erased int64, err error) {
	return l.erase(edit, func(Key) bool { return false })
}

// Forget erases customers, and the problems of their rows.
func (l *Ledger) Forget(who func(Key) bool) (erased int64, err error) {
	return l.erase(func(key Key, e *Entry) {
		if who(key) {
			*e = Entry{}
		}
	}, who)
}

func (l *Ledger) erase(edit func(Key, *Entry), forgotten func(Key) bool) (erased int64, err error) {
	err = l.rewrite(l.forms, forgotten, func(to *copying) error {
		return l.All(func(key Key, e *Entry) error {
			if edit(key, e); e.Status() == 0 {
				erased++
				return nil
			}
			return to.add(key, e.Append(nil))
		})
	})
	if err != nil {
		erased = 0
	}
	return erased, err
}

// rewriteBatch is how many entries of a new file are one transaction.
const rewriteBatch = 50_000

// copying is a ledger that is being written beside the ledger whose place it takes.
type copying struct {
	*database
	h     *Hasher
	seal  seal
	batch []keyed
}

type keyed struct {
	key   Key
	value []byte
}

// rewrite puts a new file in the place of the ledger's, with the customers that
// copy adds to it, and the problems of all but those who are forgotten.
func (l *Ledger) rewrite(forms []Form, forgotten func(Key) bool, customers func(*copying) error) error {
	next, err := newDatabase(l.fsys, l.path)
	if err != nil {
		return err
	}
	to := &copying{database: next, h: newHasher(l.secret), seal: seal{Changes: l.seal.Changes}}
	err = to.update(func(s *sealed) error { return l.copyHead(s, forms, forgotten) })
	if err == nil {
		err = customers(to)
	}
	if err == nil {
		err = to.flush(true)
	}
	if err := errors.Join(err, next.close()); err != nil {
		return errors.Join(err, l.fsys.Remove(next.path))
	}
	if err := l.db.close(); err != nil {
		return err
	}
	if err := fileError("replace", l.path, disk.Rename(l.fsys, next.path, l.path)); err != nil {
		return err
	}
	if err := l.reading(l.head); err != nil {
		return err
	}
	return l.counter.save(l.secret, l.id, l.seal.Changes)
}

// copyHead writes everything but the customers.
func (l *Ledger) copyHead(s *sealed, forms []Form, forgotten func(Key) bool) error {
	for _, name := range [][]byte{metaBucket, runsBucket, formsBucket, customerBucket} {
		if _, err := s.tx.CreateBucket(name); err != nil {
			return err
		}
	}
	err := errors.Join(
		s.put(metaBucket, versionKey, nil, []byte{version}), s.put(metaBucket, idKey, nil, l.id),
		s.put(metaBucket, checkKey, nil, bytes.Clone(s.h.check())))
	if err == nil && l.pace != nil {
		err = s.put(metaBucket, paceKey, nil, l.pace)
	}
	for number, run := range l.runs {
		err = errors.Join(err, s.putRun(number, run))
	}
	for i, form := range forms { // in the order of the old ones, which they take the place of
		err = errors.Join(err, s.putForm(form, l.nights[l.forms[i]]))
	}
	return errors.Join(err, l.copyProblems(s, forgotten))
}

// add adds a customer behind all others.
func (c *copying) add(key Key, value []byte) error {
	c.batch = append(c.batch, keyed{key, value})
	return c.flush(false)
}

// flush writes what was added, in pages that are full.
func (c *copying) flush(all bool) error {
	if len(c.batch) < rewriteBatch && !all {
		return nil
	}
	err := c.update(func(s *sealed) error {
		s.tx.Bucket(customerBucket).FillPercent = fullPages
		for _, e := range c.batch {
			if err := s.put(customerBucket, e.key[:], nil, e.value); err != nil {
				return err
			}
		}
		return nil
	})
	c.batch = c.batch[:0]
	return err
}

// update makes changes durable in the new file, which is one change of the
// ledger in all.
func (c *copying) update(f func(*sealed) error) error {
	return c.database.update(func(tx *bolt.Tx) error {
		s := sealed{tx: tx, h: c.h, seal: c.seal}
		if err := f(&s); err != nil {
			return err
		}
		c.seal.Customers, c.seal.sum, c.seal.rest = s.Customers, s.sum, s.rest
		return s.end()
	})
}

// move writes the ledger again, with n customers under the keys of an owner. What comes in the order of the
// old ones is far apart in that of the new: some of it is taken at a time, as
// much as is small enough to be sorted in memory.
func (l *Ledger) move(n uint64, owner Owner, each func(pick func(Key) bool, f func(Key, []byte) error) error) error {
	scope := newHasher(l.secret).of(owner)
	forms := slices.Clone(l.forms)
	for i := range forms {
		if forms[i].Scope == (Scope{}) {
			forms[i].Scope = scope.Scope()
		}
	}
	parts := min(max(n/moveCustomers+1, 1), 256)
	return l.rewrite(forms, func(Key) bool { return false }, func(to *copying) error {
		for part := range parts {
			var some []keyed
			err := each(func(key Key) bool { return uint64(scope.scoped(key)[0])*parts/256 == part }, func(key Key, value []byte) error {
				some = append(some, keyed{scope.scoped(key), bytes.Clone(value)})
				return nil
			})
			if err != nil {
				return err
			}
			slices.SortFunc(some, func(a, b keyed) int { return bytes.Compare(a.key[:], b.key[:]) })
			for _, e := range some {
				if err := to.add(e.key, e.value); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// moveCustomers is how many customers are small enough.
const moveCustomers = 500_000
