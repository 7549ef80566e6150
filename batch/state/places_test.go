package state

import (
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/disk/disktest"
)

// finished is a state folder whose results are written and not put in place.
func finished(t *testing.T, fsys disk.FS, path string) *Dir {
	d, err := Open(fsys, path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	rec, err := d.Recover()
	require.NoError(t, err)
	if rec.Checkpoint != nil {
		return d
	}
	out, err := d.Output(Results)
	require.NoError(t, err)
	require.NoError(t, d.Commit(Checkpoint{}))
	_, err = out.Write([]byte("a row\n"))
	require.NoError(t, err)
	return d
}

func resultsAt(path string, replace bool) map[string]Target {
	return map[string]Target{Results: {Path: path, Replace: replace}}
}

// unlinked is a file system without second names.
type unlinked struct{ disk.OS }

func (unlinked) Link(from, to string) error {
	return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.ENOTSUP}
}

// apart is mounts without links from one folder to another.
type apart struct{ mounts }

func (apart) Link(from, to string) error {
	if filepath.Dir(from) != filepath.Dir(to) {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EXDEV}
	}
	return os.Link(from, to)
}

func TestNothingIsPutInPlaceOverWhatSomebodyElsePutThere(t *testing.T) {
	for name, fsys := range map[string]disk.FS{"links": disk.OS{}, "no links": unlinked{}, "another file system": apart{}} {
		for what, stands := range map[string]func(path string) error{
			"a file":                func(path string) error { return os.WriteFile(path, []byte("theirs"), 0o600) },
			"a link to a file":      func(path string) error { return os.Symlink(os.Args[0], path) },
			"a link to nothing yet": func(path string) error { return os.Symlink(path+".later", path) },
			"an empty folder":       func(path string) error { return os.Mkdir(path, 0o700) },
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "out.csv")
				d := finished(t, fsys, path+".state")
				require.NoError(t, stands(path))
				before, err := os.Lstat(path)
				require.NoError(t, err)
				var taken *TakenError
				require.ErrorAs(t, d.Publish(Checkpoint{Row: 1}, resultsAt(path, false)), &taken)
				assert.Equal(t, path, taken.Path)
				after, err := os.Lstat(path)
				require.NoError(t, err)
				assert.True(t, os.SameFile(before, after))
				assert.NoFileExists(t, path+".later")
				require.NoError(t, d.Close())

				require.NoError(t, os.Remove(path))
				d = finished(t, fsys, path+".state")
				require.NoError(t, d.Publish(Checkpoint{Row: 1, Complete: true}, resultsAt(path, false)))
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				assert.Equal(t, "a row\n", string(b))
				names, err := os.ReadDir(filepath.Dir(path))
				require.NoError(t, err)
				assert.Len(t, names, 1, "nothing is left beside it")
			})
		}
	}
}

func TestWhatIsNotWhatWasWrittenIsNotPutInPlace(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"a byte changed": func(path string) error { return os.WriteFile(path, []byte("a r0w\n"), 0o600) },
		"a row more":     func(path string) error { return os.WriteFile(path, []byte("a row\nb row\n"), 0o600) },
		"cut":            func(path string) error { return os.Truncate(path, 3) },
		"gone":           os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.csv")
			d := finished(t, disk.OS{}, path+".state")
			require.NoError(t, damage(filepath.Join(path+".state", Results)))
			require.ErrorAs(t, d.Publish(Checkpoint{Row: 1}, resultsAt(path, true)), new(*CorruptError))
			assert.NoFileExists(t, path)
		})
	}
}

func TestAPlaceIsReservedAgainstEveryOtherRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejects.csv.state")
	release, err := Reserve(disk.OS{}, path)
	require.NoError(t, err)
	_, err = Reserve(disk.OS{}, path)
	require.ErrorAs(t, err, new(*HeldError))
	assert.Regexp(t, `\(since [0-9: -]+[0-9]\)`, err.Error(), "a place has no command")
	_, err = Open(disk.OS{}, path, Options{})
	require.ErrorAs(t, err, new(*HeldError), "nor may a run write its results there")
	require.NoError(t, release())
	assert.NoDirExists(t, path)

	d := finished(t, disk.OS{}, path)
	_, err = Reserve(disk.OS{}, path)
	require.ErrorAs(t, err, new(*HeldError))
	require.NoError(t, d.Close())
	_, err = Reserve(disk.OS{}, path)
	var unfinished *UnfinishedError
	require.ErrorAs(t, err, &unfinished)
	assert.Contains(t, err.Error(), path)
}

// TestALockThatIsRemovedIsNeverHeldTwice has many take and remove one lock at
// the same time.
func TestALockThatIsRemovedIsNeverHeldTwice(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	var holders, most, taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				lock, err := disk.OS{}.Lock(name)
				if errors.Is(err, disk.ErrHeld) {
					continue
				}
				if !assert.NoError(t, err) {
					return
				}
				taken.Add(1)
				if n := holders.Add(1); n > most.Load() {
					most.Store(n)
				}
				holders.Add(-1)
				if !assert.NoError(t, lock.Remove()) {
					return
				}
			}
		})
	}
	all.Wait()
	assert.Positive(t, taken.Load())
	assert.EqualValues(t, 1, most.Load())
}

// lockless is a file system without locks.
type lockless struct{ disk.OS }

func (lockless) Lock(name string) (disk.Lock, error) {
	return nil, &disk.NoLockError{Path: name, Err: syscall.ENOLCK}
}

func TestAFileSystemWithoutLocksIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv.state")
	_, err := Open(lockless{}, path, Options{})
	require.ErrorContains(t, err, "this file system cannot lock (no locks available); put the output on a local disk")
	_, err = Hold(context.Background(), lockless{}, path, "a job", 0)
	require.ErrorAs(t, err, new(*disk.NoLockError))
}

// keepList keeps a list, and another.
func keepList(d *disktest.Disk) (kept int, err error) {
	dir, err := Open(d, folder, Options{})
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	for i, content := range []string{"the first", "the second, longer"} {
		if err := dir.KeepSpool(strings.NewReader(content)); err != nil {
			return i, err
		}
	}
	return 2, nil
}

func TestAListThatWasKeptIsWholeOrNotThereWhereverTheMachineStops(t *testing.T) {
	for _, o := range outages() {
		for stop := 1; ; stop++ {
			d := disktest.New()
			d.Stop = stop
			kept, err := keepList(d)
			if err == nil {
				require.Greater(t, stop, 10)
				break
			}
			require.ErrorIs(t, err, disktest.ErrStopped)
			for seed := range uint64(10) {
				dir, err := Open(o.disk(d, rand.New(rand.NewPCG(uint64(stop), seed))), folder, Options{})
				require.NoError(t, err)
				path, err := dir.Spooled()
				require.NoError(t, err, "%s, stopped at %d", o.name, stop)
				if path == "" {
					continue
				}
				b, err := dir.Kept(Spool)
				require.NoError(t, err)
				assert.Contains(t, []string{"the first", "the second, longer"}[max(0, kept-1):], string(b), "%s, stopped at %d", o.name, stop)
			}
		}
	}
}

func TestAListIsKeptOrNotWhenAnOperationFails(t *testing.T) {
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			d := disktest.New()
			d.FailAt, d.Err, d.Late = n, syscall.EIO, late
			_, err := keepList(d)
			if err == nil && d.Ops < n {
				require.Greater(t, n, 10)
				break
			}
			if err != nil {
				require.ErrorIs(t, err, syscall.EIO, "operation %d", n)
			}
			d.Restart()
			dir, err := Open(d, folder, Options{})
			require.NoError(t, err)
			_, err = dir.Spooled()
			require.NoError(t, err, "operation %d", n)
			require.NoError(t, dir.KeepSpool(strings.NewReader("again")))
			path, err := dir.Spooled()
			require.NoError(t, err)
			require.NotEmpty(t, path)
		}
	}
}

func TestAListThatIsNotWhatWasKeptIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := openReal(t, path)
	none, err := d.Spooled()
	require.NoError(t, err)
	assert.Empty(t, none)
	const list = "a list\n"
	keep := func() {
		require.NoError(t, d.KeepSpool(strings.NewReader(list)))
		kept, err := d.Spooled()
		require.NoError(t, err)
		assert.Equal(t, d.KeptPath(Spool), kept)
	}
	keep()
	for at := range len(list) {
		keep()
		b := []byte(list)
		b[at] ^= 4
		require.NoError(t, os.WriteFile(d.KeptPath(Spool), b, 0o600))
		_, err := d.Spooled()
		require.ErrorAs(t, err, new(*CorruptError))
	}
	keep()
	require.NoError(t, os.WriteFile(d.KeptPath(Spool), []byte(list+"more"), 0o600))
	_, err = d.Spooled()
	require.ErrorAs(t, err, new(*CorruptError))
	require.NoError(t, os.Remove(d.KeptPath(Spool)))
	_, err = d.Spooled()
	require.ErrorAs(t, err, new(*CorruptError))
	require.NoError(t, d.Discard())
	_, err = d.Kept(spoolSum)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestAPlaceThatCouldNotBeReservedIsInNoOnesWay(t *testing.T) {
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			d := disktest.New()
			d.FailAt, d.Err, d.Late = n, syscall.EIO, late
			release, err := Reserve(d, folder)
			if err == nil {
				err = release()
			}
			if err == nil && d.Ops < n {
				require.Greater(t, n, 3)
				break
			}
			if err != nil {
				require.ErrorIs(t, err, syscall.EIO, "operation %d", n)
			}
			d.Restart()
			release, err = Reserve(d, folder)
			require.NoError(t, err, "operation %d", n)
			require.NoError(t, release())
		}
	}
}

func FuzzWhatIsReadOfAStateIsRefusedOrTakenUp(f *testing.F) {
	whole, err := encodeCheckpoint(&Checkpoint{Row: 1, Journal: []segment{{Number: 1}}, Outputs: map[string]int64{Results: 1}, Sums: map[string][]byte{Results: nil}})
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(`{"version":3,"outputs":{"results":-1},"journal":[{"number":-1,"bytes":9}]}`))
	f.Add([]byte(`{"bytes":3,"sha256":"AAAA"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := json.Marshal(checked{CRC: crc32.Checksum(b, castagnoli), Checkpoint: b})
		if err != nil {
			sealed = b
		}
		for _, checkpoint := range [][]byte{b, sealed} {
			d := disktest.New()
			d.Put(filepath.Join(folder, checkpointName), checkpoint)
			d.Put(filepath.Join(folder, spoolSum), b)
			d.Put(filepath.Join(folder, Spool), b)
			d.Put(filepath.Join(folder, Results), b)
			d.Put(segmentName(folder, 1), b)
			dir, err := Open(d, folder, Options{})
			require.NoError(t, err)
			if _, err := dir.Spooled(); err != nil {
				require.ErrorAs(t, err, new(*CorruptError))
			}
			if _, err := dir.Recover(); err != nil {
				require.ErrorAs(t, err, new(*CorruptError))
			}
			require.NoError(t, dir.Close())
		}
	})
}
