package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/disk/disktest"
)

func TestWhatStandsInTheWayOfATemporaryFileIsReplacedAndNotWrittenInto(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "results.csv")
	require.NoError(t, os.WriteFile(name+".tmp", nil, 0o666))
	theirs, err := os.Open(name + ".tmp") // as somebody may who made it
	require.NoError(t, err)
	defer theirs.Close()
	require.NoError(t, disk.Replace(disk.OS{}, name, disk.Copy(strings.NewReader("personal"))))
	info, err := theirs.Stat()
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	info, err = os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// steps writes a file in each way in turn, and says what each must have left.
var steps = []struct {
	name  string
	write func(fsys disk.FS) error
	stood string // at the place before
}{
	{"replace nothing", func(fsys disk.FS) error { return disk.Replace(fsys, place, content) }, ""},
	{"replace", func(fsys disk.FS) error { return disk.Replace(fsys, place, content) }, before},
	{"create", func(fsys disk.FS) error { return disk.Create(fsys, place, content) }, ""},
	{"create without links", func(fsys disk.FS) error { return disk.Create(linkless{fsys}, place, content) }, ""},
}

const (
	place  = "/w/file"
	before = "what stood there"
	after  = "what is written, and is longer than a block of the disk that the power cut may tear"
)

func content(w io.Writer) error {
	_, err := io.WriteString(w, after)
	return err
}

// linkless is a file system without second names.
type linkless struct{ disk.FS }

func (linkless) Link(from, to string) error {
	return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.ENOTSUP}
}

func diskWith(content string) *disktest.Disk {
	d := disktest.New()
	if content != "" {
		d.Put(place, []byte(content))
	}
	return d
}

// found is what stands at the place; nothing as "".
func found(t *testing.T, fsys disk.FS) string {
	b, err := disk.ReadFile(fsys, place)
	if err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	return string(b)
}

// tornBy counts the power cuts after which there is neither what was there nor
// all of what was written, or not even that once the writer was told it is there.
func tornBy(t *testing.T, mutant disktest.Mutant) (torn int) {
	for _, s := range steps {
		for stop, done := 1, false; !done; stop++ {
			d := diskWith(s.stood)
			d.Stop, d.Mutant = stop, mutant
			err := s.write(d)
			done = err == nil
			if !done {
				require.ErrorIs(t, err, disktest.ErrStopped)
			}
			for seed := range uint64(20) {
				left := d.Cut(rand.New(rand.NewPCG(uint64(stop), seed)))
				if got := found(t, left); got != after && (got != s.stood || done) {
					torn++
				}
				if mutant == disktest.Faithful && found(t, left) != after {
					require.NoError(t, s.write(left), "%s, stopped at %d", s.name, stop)
					require.Equal(t, after, found(t, left.Cut(rand.New(rand.NewPCG(uint64(stop), seed)))), s.name)
				}
			}
		}
	}
	return torn
}

func TestAFileIsWholeOrAsItWasWhereverThePowerGoes(t *testing.T) {
	assert.Zero(t, tornBy(t, disktest.Faithful))
	assert.NotZero(t, tornBy(t, disktest.NoFileSync), "this test would not notice")
	assert.NotZero(t, tornBy(t, disktest.NoFolderSync), "this test would not notice")
}

func TestAFileIsWholeOrAsItWasWhateverFails(t *testing.T) {
	for _, s := range steps {
		for _, late := range []bool{false, true} {
			for n := 1; ; n++ {
				d := diskWith(s.stood)
				d.FailAt, d.Err, d.Late = n, syscall.EIO, late
				err := s.write(d)
				if d.Ops < n {
					require.NoError(t, err)
					require.Greater(t, n, 5, "the operations were counted")
					break
				}
				require.ErrorIs(t, err, syscall.EIO, "%s, operation %d", s.name, n)
				require.Contains(t, []string{s.stood, after}, found(t, d), "%s, operation %d", s.name, n)
				d.Restart()
				if found(t, d) != after {
					require.NoError(t, s.write(d), "%s, operation %d", s.name, n)
				}
			}
		}
	}
}

func TestNothingIsCreatedWhereSomethingStands(t *testing.T) {
	for _, fsys := range []disk.FS{diskWith(before), linkless{diskWith(before)}} {
		require.ErrorIs(t, disk.Create(fsys, place, content), fs.ErrExist)
		assert.Equal(t, before, found(t, fsys))
		names, err := fsys.ReadDir("/w")
		require.NoError(t, err)
		assert.Len(t, names, 1, "nothing is left beside it")
	}
}

func TestTheCauseOfAnErrorIsWithoutItsFile(t *testing.T) {
	for _, err := range []error{
		syscall.EIO,
		&fs.PathError{Op: "open", Path: place, Err: syscall.EIO},
		errors.Join(&os.LinkError{Op: "link", Old: place, New: place, Err: syscall.EIO}, syscall.EBADF),
	} {
		assert.Equal(t, syscall.EIO, disk.Cause(err))
	}
	assert.NoError(t, disk.Cause(nil))
}
