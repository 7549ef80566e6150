package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	bolt "go.etcd.io/bbolt"

	"bulkonboard/batch/disk"
)

// errOtherSecret is the check of another secret.
var errOtherSecret = errors.New("another secret")

// Open opens the ledger at path, and makes it if neither it nor its key is
// there. Customers of a ledger that does not say whose they are become the
// owner's. The caller sees to it that no other process has it open. The key, the
// counter, and the place of the database are of fsys; the database itself opens its
// file in the real file system.
func Open(fsys disk.FS, path, keyPath string, owner Owner) (*Ledger, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the file is replaced, and not the link
	}
	info, err := os.Stat(path)
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return nil, fileError("read", path, err)
	}
	secret, err := readSecret(fsys, keyPath)
	noKey := errors.Is(err, fs.ErrNotExist)
	switch {
	case gone && noKey:
		secret, err = create(fsys, path, keyPath, nil)
	case gone && err == nil:
		err = finishCreating(fsys, path, keyPath, secret)
	case info != nil && info.Size() == 0:
		err = empty(path, keyPath)
	case noKey:
		err = &SecretError{Path: keyPath, Reason: "the key of the ledger is not there, and without it no customer in the ledger can be recognized"}
	}
	if err != nil {
		return nil, err
	}
	l := &Ledger{fsys: fsys, path: path, secret: secret, db: database{fsys: fsys, path: path}, counter: counter{fsys, path, keyPath}}
	return l, l.begin(owner)
}

// begin takes in what the file says of itself, and makes of an older one what
// this version writes.
func (l *Ledger) begin(owner Owner) error {
	v, err := l.version()
	if err != nil {
		return err
	}
	switch {
	case bytes.Equal(v, []byte{1}):
		return l.takeOver(owner)
	case !bytes.Equal(v, []byte{version}) && !bytes.Equal(v, []byte{versionWithoutProblems}):
		return l.entryError(damaged("it is of version %x, and this program knows version %d", v, version))
	}
	if err := l.reading(l.head); err != nil {
		return l.ofSecret(err)
	}
	if err := l.counter.check(l); err != nil {
		return err
	}
	return l.adopt(owner)
}

// ofSecret names the key where that is what does not fit.
func (l *Ledger) ofSecret(err error) error {
	if errors.Is(err, errOtherSecret) {
		return &SecretError{Path: l.counter.key, Reason: "this is the key of another ledger than " + l.path}
	}
	return err
}

// version is that of the file.
func (l *Ledger) version() (v []byte, err error) {
	err = l.reading(func(p *pages, buckets map[string]bucket) error {
		meta, there := buckets[string(metaBucket)]
		if !there {
			return damaged("it is another program's database")
		}
		return p.walk(meta, func(key, value []byte) error {
			if bytes.Equal(key, versionKey) {
				v = bytes.Clone(value)
			}
			return nil
		})
	})
	return v, err
}

// Create makes an empty ledger where there is none, or an empty file, under the
// key that is there, or a new one.
func Create(fsys disk.FS, path, keyPath string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > 0 {
		return fileError("make", path, fs.ErrExist)
	}
	secret, err := readSecret(fsys, keyPath)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		_, err = create(fsys, path, keyPath, secret)
	}
	return err
}

// create makes an empty ledger and, unless there is a secret, its key. Wherever
// it is killed, neither is there, or both, or the key with the ledger under its
// temporary name, which finishCreating renames.
func create(fsys disk.FS, path, keyPath string, secret []byte) ([]byte, error) {
	newKey := secret == nil
	if newKey {
		secret = make([]byte, secretBytes)
		_, _ = rand.Read(secret) // never fails
	}
	temp, err := newDatabase(fsys, path)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	err = temp.update(func(tx *bolt.Tx) error {
		s := sealed{tx: tx, h: newHasher(secret)}
		for _, name := range [][]byte{metaBucket, runsBucket, formsBucket, problemsBucket, customerBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		for _, own := range [][2][]byte{{versionKey, {version}}, {idKey, id}, {checkKey, bytes.Clone(s.h.check())}} {
			if err := s.put(metaBucket, own[0], nil, own[1]); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(sealKey, s.encode(s.h, id))
	})
	if err := errors.Join(err, temp.close()); err != nil {
		return nil, err
	}
	if newKey {
		// The key may be in another folder: a power cut must not keep it alone.
		if err := fsys.SyncDir(filepath.Dir(path)); err != nil {
			return nil, fileError("sync", filepath.Dir(path), err)
		}
		if err := disk.Create(fsys, keyPath, disk.Copy(strings.NewReader(hex.EncodeToString(secret)+"\n"))); err != nil {
			return nil, fileError("make", keyPath, err)
		}
	}
	return secret, fileError("replace", path, disk.Rename(fsys, temp.path, path))
}

// newDatabase makes a database beside the ledger, to be put in its place.
func newDatabase(fsys disk.FS, path string) (*database, error) {
	temp := &database{path: path + ".tmp", create: true}
	if err := fsys.Remove(temp.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fileError("make", temp.path, err)
	}
	return temp, nil
}

// finishCreating puts an empty ledger in its place that was made for this key
// and not renamed any more. A key without a ledger may mean that the ledger is
// lost: no customer would be known.
func finishCreating(fsys disk.FS, path, keyPath string, secret []byte) error {
	l := &Ledger{path: path + ".tmp", secret: secret}
	err := l.Walk(func(Key, []byte) error { return nil })
	if err != nil || l.seal.Changes > 0 {
		return missing(path, keyPath)
	}
	// Who made the key may have been killed before its name was durable.
	if err := fsys.SyncDir(filepath.Dir(keyPath)); err != nil {
		return fileError("sync", filepath.Dir(keyPath), err)
	}
	return fileError("replace", path, disk.Rename(fsys, l.path, path))
}
