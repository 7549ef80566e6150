package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk/disktest"
)

// beside is a disk in memory on which the database, which opens its file in the
// real file system, has its names, too. What is in that file the database makes
// durable itself.
type beside struct {
	*disktest.Disk
	t    *testing.T
	path string
}

func (b *beside) databases() []string { return []string{b.path, b.path + ".tmp"} }

// change takes in what the database has made, changes names, and has the real
// file system be as the disk then is.
func (b *beside) change(what func() error) error {
	there := b.Files()
	for _, name := range b.databases() {
		if content, err := os.ReadFile(name); err == nil && !bytes.Equal(content, there[name]) {
			b.Add(name, content)
		}
	}
	err := what()
	b.show()
	return err
}

func (b *beside) show() {
	there := b.Files()
	for _, name := range b.databases() {
		real, err := os.ReadFile(name)
		content, ok := there[name]
		if err == nil && ok && bytes.Equal(real, content) {
			continue // it may be open
		}
		if err == nil {
			require.NoError(b.t, os.Remove(name))
		}
		if ok {
			require.NoError(b.t, os.WriteFile(name, content, 0o600))
		}
	}
}

func (b *beside) Rename(from, to string) error {
	return b.change(func() error { return b.Disk.Rename(from, to) })
}

func (b *beside) Remove(name string) error {
	return b.change(func() error { return b.Disk.Remove(name) })
}

func (b *beside) SyncDir(name string) error {
	return b.change(func() error { return b.Disk.SyncDir(name) })
}

// life is that of a ledger, over as many processes as it takes.
type life struct {
	t         *testing.T
	path, key string
	secret    []byte         // that it was opened with
	known     map[Key]string // what was put, durably
}

func newLife(t *testing.T, keyApart bool) *life {
	folder := t.TempDir()
	l := &life{t: t, path: filepath.Join(folder, "customers.db")}
	if l.key = l.path + ".key"; keyApart {
		l.key = filepath.Join(folder, "keys", "key")
		require.NoError(t, os.Mkdir(filepath.Dir(l.key), 0o700)) // the counter goes where one may write
	}
	return l
}

// on opens the ledger on a disk, writes to it and rewrites it, until the disk
// stops.
func (l *life) on(d *disktest.Disk) error {
	fsys := &beside{d, l.t, l.path}
	fsys.show()
	book, err := Open(fsys, l.path, l.key, Owner{})
	if err != nil {
		return err
	}
	defer book.Close()
	if err := l.compare(book); err != nil {
		return err
	}
	for n := range 2 {
		key, session := keyOf(book, n), fmt.Sprint("session-", n)
		if err := book.Put(&News{RunID: "run", Began: night, Changes: []Change{{key, okEntry(session)}}}); err != nil {
			return err
		}
		l.known[key] = session
	}
	forgotten := keyOf(book, 0)
	delete(l.known, forgotten)
	_, err = book.Forget(func(key Key) bool { return key == forgotten })
	return err
}

// compare reports what the ledger should have and has not.
func (l *life) compare(book *Ledger) error {
	if l.secret != nil && !bytes.Equal(book.secret, l.secret) {
		return errors.New("the ledger has a second key")
	}
	has := map[Key]string{}
	if err := book.All(func(key Key, e *Entry) error { has[key] = e.Session.ID; return nil }); err != nil {
		return err
	}
	for key, session := range l.known {
		if has[key] != session {
			return fmt.Errorf("%s is lost", session)
		}
	}
	l.secret, l.known = book.secret, has
	return nil
}

type stopping func(*disktest.Disk, *rand.Rand) *disktest.Disk

func killed(d *disktest.Disk, _ *rand.Rand) *disktest.Disk { return d.Killed() }

// lives stops the machine at every operation of a ledger's life in turn, and
// once more while it is taken up, and reports the first that was refused or lost.
func lives(t *testing.T, keyApart bool, mutant disktest.Mutant, first, second stopping, rounds int) (broken string) {
	for stop := 1; ; stop++ {
		for seed := range uint64(rounds) {
			r := rand.New(rand.NewPCG(uint64(stop), seed))
			l, d := newLife(t, keyApart), disktest.New()
			d.Stop, d.Mutant = stop, mutant
			err := l.on(d)
			if err == nil {
				require.Greater(t, stop, 20)
				return ""
			}
			require.ErrorIs(t, err, disktest.ErrStopped)
			d = first(d, r)
			d.Stop, d.Mutant = 1+r.IntN(12), mutant
			if err = l.on(d); errors.Is(err, disktest.ErrStopped) {
				err = l.on(second(d, r))
			}
			if err != nil {
				return fmt.Sprintf("stop %d: %v", stop, err)
			}
		}
	}
}

func TestALedgerAndItsKeyAreWholeWhereverTheMachineStops(t *testing.T) {
	for _, keyApart := range []bool{false, true} {
		for _, how := range []struct {
			name          string
			first, second stopping
			rounds        int
		}{
			{"killed", killed, killed, 1},
			{"power cut", (*disktest.Disk).Cut, (*disktest.Disk).Cut, 2},
			{"killed, then a power cut", killed, (*disktest.Disk).Cut, 2},
		} {
			t.Run(fmt.Sprint(how.name, ", key apart: ", keyApart), func(t *testing.T) {
				t.Parallel() // it waits for the disk
				assert.Empty(t, lives(t, keyApart, disktest.Faithful, how.first, how.second, how.rounds))
			})
		}
	}
}

func TestTheTestOfALedgersLifeNoticesWhatIsNotSynced(t *testing.T) {
	for _, mutant := range []disktest.Mutant{disktest.NoFileSync, disktest.NoFolderSync} {
		assert.NotEmpty(t, lives(t, false, mutant, (*disktest.Disk).Cut, (*disktest.Disk).Cut, 3))
	}
}
