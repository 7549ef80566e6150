package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
)

// lived makes a ledger that has seen some nights: it has pages of every kind,
// and free ones.
func lived(t *testing.T) (path string, want map[Key]Entry) {
	path = filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	r := rand.New(rand.NewPCG(5, 6))
	for night := range 6 {
		news := News{RunID: fmt.Sprint("run-", night), Began: time.UnixMilli(int64(night)), Forms: []Form{{Tenant: "tenant", ID: fmt.Sprint("form-", night%2)}}}
		for range 700 {
			e := okEntry(fmt.Sprintf("session-%x", r.Uint64()))
			if e.Session.At = time.UnixMilli(int64(1000 * night)).UTC(); r.IntN(4) == 0 {
				e.Refusal = refusedEntry(3, e.Session.At.Add(time.Second)).Refusal
			}
			news.Changes = append(news.Changes, Change{keyOf(l, r.IntN(2500)), e})
		}
		require.NoError(t, l.Put(&news))
	}
	require.NoError(t, l.PutPace("service", 50, night))
	concluded(t, l, "run-5", Form{Tenant: "tenant", ID: "form-1"}, 1, 2, 3)
	want = map[Key]Entry{}
	require.NoError(t, l.All(func(key Key, e *Entry) error { want[key] = *e; return nil }))
	require.NoError(t, l.Close())
	return path, want
}

// requireRightOrRefused opens a ledger, reads all of it and puts something. It
// reports whether it was refused.
func requireRightOrRefused(t *testing.T, path string, want map[Key]Entry, what string) (refused bool) {
	t.Helper()
	got := map[Key]Entry{}
	err := func() error {
		l, err := Open(disk.OS{}, path, path+".key", Owner{})
		if err != nil {
			return err
		}
		defer func() { require.NoError(t, l.Close(), what) }()
		if err := l.All(func(key Key, e *Entry) error { got[key] = *e; return nil }); err != nil {
			return err
		}
		require.Equal(t, want, got, what)
		require.NoError(t, l.Put(&News{RunID: "later", Began: night, Changes: []Change{{Key{1}, okEntry("later")}}}), what)
		require.Len(t, l.Runs(), 7, what)
		n := 0
		require.NoError(t, l.Walk(func(Key, []byte) error { n++; return nil }), what)
		require.Len(t, want, n-1, what)
		return nil
	}()
	var format *FormatError
	var secret *SecretError
	require.True(t, err == nil || errors.As(err, &format) || errors.As(err, &secret), "%s: %v", what, err)
	return err != nil
}

// copyOf puts a ledger, its key and its count under another name.
func copyOf(t *testing.T, path string, content []byte) string {
	to := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(to, content, 0o600))
	for _, end := range []string{".key", ".key.count"} {
		b, err := os.ReadFile(path + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to+end, b, 0o600))
	}
	return to
}

func TestAFlippedBitIsNoticedOrChangesNothing(t *testing.T) { flipAnyBits(t, 100) }

// TestABitOfWhatPagesAreTakenApartByIsNoticed flips bits where random ones
// hardly come.
func TestABitOfWhatPagesAreTakenApartByIsNoticed(t *testing.T) { flipHeaderBits(t, 200) }

// flipAnyBits flips bits of all used pages, one at a time.
func flipAnyBits(t *testing.T, flips int) {
	path, want := lived(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	p, err := openPages(path)
	require.NoError(t, err)
	used := int(p.end) * p.size
	p.close()
	require.Greater(t, int(p.end), 50)
	r, refused := rand.New(rand.NewPCG(1, 2)), 0
	for range flips {
		b, bit := bytes.Clone(whole), r.IntN(8*used)
		b[bit/8] ^= 1 << (bit % 8)
		if requireRightOrRefused(t, copyOf(t, path, b), want, fmt.Sprintf("bit %d of byte %d", bit%8, bit/8)) {
			refused++
		}
	}
	assert.Greater(t, refused, flips/4, "most pages are in use")
}

// flipHeaderBits flips bits of the headers of pages and of their first elements.
func flipHeaderBits(t *testing.T, flips int) {
	path, want := lived(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	p, err := openPages(path)
	require.NoError(t, err)
	p.close()
	step := max(1, int(p.end)*8*48/flips)
	for n := 0; n < int(p.end)*8*48; n += step {
		b := bytes.Clone(whole)
		b[n/(8*48)*p.size+n/8%48] ^= 1 << (n % 8)
		requireRightOrRefused(t, copyOf(t, path, b), want, fmt.Sprintf("bit %d of the beginning of page %d", n%(8*48), n/(8*48)))
	}
}

func TestAFileThatIsCutShortIsRefused(t *testing.T) {
	path, want := lived(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	p, err := openPages(path)
	require.NoError(t, err)
	p.close()
	for n := 0; n <= int(p.end); n += max(1, int(p.end)/100) {
		for _, cut := range []int{n * p.size, n*p.size + 100} {
			refused := requireRightOrRefused(t, copyOf(t, path, whole[:min(cut, len(whole))]), want, fmt.Sprint("cut at byte ", cut))
			assert.Equal(t, cut < int(p.end)*p.size, refused, cut)
		}
	}
}

func TestAnOlderCopyIsNoticed(t *testing.T) {
	path, _ := lived(t)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	l := opened(t, path)
	put(t, l, Change{Key{1}, okEntry("s-1")})
	require.NoError(t, l.Close())
	require.NoError(t, os.WriteFile(path, before, 0o600))
	_, err = Open(disk.OS{}, path, path+".key", Owner{})
	var older *FormatError
	require.ErrorAs(t, err, &older)
	assert.Contains(t, err.Error(), "older copy")
	assert.Contains(t, err.Error(), "rm '"+path+".key.count'")
	require.NoError(t, os.Remove(path+".key.count"), "as it says")
	require.NoError(t, opened(t, path).Close())
}

func TestACountThatIsBehindSaysNothing(t *testing.T) {
	path, _ := lived(t)
	count, err := os.ReadFile(path + ".key.count")
	require.NoError(t, err)
	l := opened(t, path)
	put(t, l, Change{Key{1}, okEntry("s-1")})
	require.NoError(t, l.Close())
	require.NoError(t, os.WriteFile(path+".key.count", count, 0o600), "a kill before the count")
	require.NoError(t, opened(t, path).Close())
	require.NoError(t, os.WriteFile(path+".key.count", append(count, ' '), 0o600))
	_, err = Open(disk.OS{}, path, path+".key", Owner{})
	require.ErrorContains(t, err, "remove it: rm '"+path+".key.count'")
}

func TestALedgerThatIsGoneOrEmptyIsRefusedWithTheWayToANewOne(t *testing.T) {
	path, _ := lived(t)
	for name, damage := range map[string]func() error{
		"the ledger is not there": func() error { return os.Remove(path) },
		"the ledger is empty":     func() error { return os.WriteFile(path, nil, 0o600) },
	} {
		require.NoError(t, damage())
		_, err := Open(disk.OS{}, path, path+".key", Owner{})
		var wrong *FormatError
		require.ErrorAs(t, err, &wrong, name)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "bulkonboard ledger create --ledger '"+path+"' --ledger-key-file '"+path+".key'")

		require.NoError(t, Create(disk.OS{}, path, path+".key"), "as it says")
		l := opened(t, path)
		assert.Zero(t, l.Len())
		put(t, l, Change{Key{1}, okEntry("s-1")})
		require.NoError(t, l.Close())
		require.ErrorIs(t, Create(disk.OS{}, path, path+".key"), fs.ErrExist)
	}
}

func TestALedgerWhoseMakingWasKilledIsMadeByTheNextStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "customers.db")
	l := opened(t, path)
	id := l.ID()
	require.NoError(t, l.Close())
	require.NoError(t, os.Rename(path, path+".tmp"), "killed before the last step")
	l = opened(t, path)
	assert.Equal(t, id, l.ID())
	put(t, l, Change{Key{1}, okEntry("s-1")})
	require.NoError(t, l.Close())

	require.NoError(t, os.Rename(path, path+".tmp"), "one that has customers was not being made")
	_, err := Open(disk.OS{}, path, path+".key", Owner{})
	require.ErrorContains(t, err, "is not there")
}

func TestAKeyIsNeverMadeThroughALinkOrOverAnothersFile(t *testing.T) {
	folder := t.TempDir()
	path, other := filepath.Join(folder, "customers.db"), filepath.Join(folder, "other")
	require.NoError(t, os.WriteFile(other, []byte("theirs"), 0o600))
	require.NoError(t, os.Symlink(other, path+".key.tmp"))
	require.NoError(t, os.Symlink(filepath.Join(folder, "nowhere"), path+".key"))
	_, err := Open(disk.OS{}, path, path+".key", Owner{})
	var file *FileError
	require.ErrorAs(t, err, &file)
	assert.NoFileExists(t, filepath.Join(folder, "nowhere"))
	b, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(b))
	require.NoError(t, os.Remove(path+".key"))
	require.NoError(t, opened(t, path).Close())
}

func TestAFileThatIsCutWhileItIsOpenIsAnErrorAndNoCrash(t *testing.T) {
	path, _ := lived(t)
	l := opened(t, path)
	put(t, l, Change{Key{1}, okEntry("s-1")})
	require.NoError(t, os.Truncate(path, 3*usualPage))
	err := l.Put(&News{RunID: "later", Changes: []Change{{Key{2}, okEntry("s-2")}}})
	var wrong *FormatError
	require.ErrorAs(t, err, &wrong)
}

func FuzzAnyFileIsRefusedOrRead(f *testing.F) {
	f.Add([]byte("not a ledger"), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint32) {
		path := filepath.Join(t.TempDir(), "customers.db")
		l := opened(t, path)
		put(t, l, Change{Key{1}, okEntry("s-1")}, Change{Key{2}, okEntry("s-2")})
		require.NoError(t, l.Close())
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		copy(whole[int(at)%len(whole):], b)
		require.NoError(t, os.WriteFile(path, whole, 0o600))
		l, err = Open(disk.OS{}, path, path+".key", Owner{})
		if err != nil {
			return
		}
		defer func() { require.NoError(t, l.Close()) }()
		var ids []string
		if err := l.All(func(_ Key, e *Entry) error { ids = append(ids, e.Session.ID); return nil }); err == nil {
			require.Equal(t, []string{"s-1", "s-2"}, ids)
		}
	})
}
