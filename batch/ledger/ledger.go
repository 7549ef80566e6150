// Package ledger keeps what is known of each customer across lists and nights:
// the last session id and the last refusal, when they came, and digests of the
// fields that were sent.
//
// A customer is known by a keyed hash alone, so that the file names no customer;
// the secret is in a file of its own. The database is bbolt's: a B+tree in one
// file, in which a commit is whole or not there, whenever the process or the
// machine dies. What is in it is believed only after all of it was read and
// found to be what was written.
//
//	meta       version, id, a check of the secret, the pace found last, the seal
//	runs       number (8 bytes, big-endian) → when it began (varint), and its id
//	forms      service and application, tenant and form, whose customers are in it
//	           → its last complete run
//	problems   form (8 bytes), id (16 bytes) → a row of that run that needs attention
//	customers  key (16 bytes) → entry and tag
package ledger

import (
	"cmp"
	"encoding/hex"
	"errors"
	"slices"

	"bulkonboard/batch/disk"
)

// version is that of the file. Version 1 is taken over, and version 2 becomes
// this one once there is something that it does not have.
const (
	version                = 3
	versionWithoutProblems = 2
)

var (
	metaBucket     = []byte("meta")
	runsBucket     = []byte("runs")
	formsBucket    = []byte("forms")
	problemsBucket = []byte("problems")
	customerBucket = []byte("customers")

	versionKey = []byte("version")
	idKey      = []byte("id")
	checkKey   = []byte("check")
	sealKey    = []byte("seal")
)

// Ledger is an open ledger. It is used by one goroutine at a time.
type Ledger struct {
	fsys    disk.FS
	path    string
	secret  []byte
	id      []byte
	counter counter
	db      database

	// What the file says of itself.
	seal     seal
	runs     map[uint64]Run
	forms    []Form
	nights   map[Form]Night
	problems map[formKey][]Problem // sorted by id
	pace     []byte
	whole    bool // all of it was read
	old      bool // it is of version 1

	hasProblems bool // it is of this version

	takenOver int64
}

// Close closes the file. What was put is durable already.
func (l *Ledger) Close() error { return l.db.close() }

// ID tells this ledger from every other, wherever its file is.
func (l *Ledger) ID() string { return hex.EncodeToString(l.id) }

// Path is the file.
func (l *Ledger) Path() string { return l.path }

// Len counts the customers.
func (l *Ledger) Len() int64 { return int64(l.seal.Customers) }

// Changes counts the transactions that there have been.
func (l *Ledger) Changes() uint64 { return l.seal.Changes }

// Runs gives the runs that have put something into the ledger, by number.
func (l *Ledger) Runs() map[uint64]Run { return l.runs }

// Forms gives the forms whose customers are in the ledger, or have been.
func (l *Ledger) Forms() []Form { return l.forms }

// Hasher returns what makes the keys of this ledger for the customers of an
// owner, for one goroutine. When the owner is not known it is the only one that
// the ledger has customers of, if there is only one.
func (l *Ledger) Hasher(owner Owner) *Hasher {
	if scopes := l.Scopes(); owner.Service == "" && len(scopes) == 1 {
		return newHasher(l.secret).within(scopes[0])
	}
	return newHasher(l.secret).of(owner)
}

// KeyOf is the key of a customer of a form.
func (l *Ledger) KeyOf(f Form, customer []byte) Key {
	return newHasher(l.secret).within(f.Scope).Customer(f.Tenant, customer)
}

// Scopes are those that the ledger has customers of, or has had.
func (l *Ledger) Scopes() (scopes []Scope) {
	for _, f := range l.forms {
		if !slices.Contains(scopes, f.Scope) {
			scopes = append(scopes, f.Scope)
		}
	}
	return scopes
}

// Walk gives every customer, in the order of the keys; the value is for
// ParseEntry, and good until f returns. What f was given counts only once Walk
// has returned without an error: only then is it known that none is missing.
func (l *Ledger) Walk(f func(key Key, value []byte) error) error {
	var stop error // of f: the file is not to blame
	err := l.reading(func(p *pages, buckets map[string]bucket) error {
		if err := l.head(p, buckets); err != nil {
			return err
		}
		h, all, n := newHasher(l.secret), sum{}, uint64(0)
		err := p.walk(buckets[string(customerBucket)], func(key, value []byte) error {
			value, err := untagged(h, customerBucket, key, value, &all)
			if err != nil || len(key) != len(Key{}) {
				return cmp.Or(err, damaged("a key is not as it was written"))
			}
			n++
			stop = f(Key(key), value)
			return stop
		})
		if err != nil {
			return err
		}
		if all != l.seal.sum || n != l.seal.Customers {
			return damaged("%d customers are in it, and they are not the %d that were put there", n, l.seal.Customers)
		}
		return p.accounted()
	})
	if stop != nil {
		return l.entryError(stop)
	}
	l.whole = l.whole || err == nil
	return err
}

// All gives every customer, as Walk does.
func (l *Ledger) All(f func(Key, *Entry) error) error {
	return l.Walk(func(key Key, value []byte) error {
		e, err := ParseEntry(value)
		if err != nil {
			return err
		}
		return f(key, &e)
	})
}

// reading opens the file for as long as it is read.
func (l *Ledger) reading(f func(*pages, map[string]bucket) error) error {
	p, err := openPages(l.path)
	if err != nil {
		return fileError("read", l.path, err)
	}
	defer p.close()
	buckets, err := p.buckets()
	if err == nil {
		err = f(p, buckets)
	}
	return fileError("read", l.path, err)
}

// entryError names the file where that is to blame.
func (l *Ledger) entryError(err error) error {
	if d := damage(""); errors.As(err, &d) {
		return &FormatError{Path: l.path, Reason: d.Error()}
	}
	return err
}
