package state

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk/disktest"
)

// keepTwice keeps one content and then another.
func keepTwice(d *disktest.Disk) (kept int, err error) {
	dir, err := Open(d, folder, Options{})
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	for i, content := range []string{"the first", "the second, longer"} {
		if err := dir.Keep(Spool, strings.NewReader(content)); err != nil {
			return i, err
		}
	}
	return 2, nil
}

func TestWhatIsKeptIsTheOldOrTheNewWhereverTheMachineStops(t *testing.T) {
	for _, o := range outages() {
		for stop := 1; ; stop++ {
			d := disktest.New()
			d.Stop = stop
			kept, err := keepTwice(d)
			if err == nil {
				require.Greater(t, stop, 10)
				break
			}
			require.ErrorIs(t, err, disktest.ErrStopped)
			for seed := range uint64(10) {
				after := o.disk(d, rand.New(rand.NewPCG(uint64(stop), seed)))
				dir, err := Open(after, folder, Options{})
				require.NoError(t, err)
				b, err := dir.Kept(Spool)
				possible := []string{"", "the first", "the second, longer"}[kept:min(kept+2, 3)]
				if errors.Is(err, fs.ErrNotExist) {
					assert.Zero(t, kept)
					continue
				}
				require.NoError(t, err)
				assert.Contains(t, possible, string(b), "%s, stopped at %d", o.name, stop)
			}
		}
	}
}

func TestARunThatIsStartedOverKeepsTheListAndDiscardDoesNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := openReal(t, path)
	_, err := d.Recover()
	require.NoError(t, err)
	for _, name := range []string{Corrected, Spool} {
		require.NoError(t, d.Keep(name, strings.NewReader(name)))
	}
	_, began, err := d.Began()
	require.NoError(t, err)
	assert.False(t, began)
	require.NoError(t, d.Commit(Checkpoint{Run: "r1"}))
	run, began, err := d.Began()
	require.NoError(t, err)
	assert.True(t, began)
	assert.Equal(t, "r1", run)
	info, err := os.Stat(d.KeptPath(Spool))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, d.StartOver())
	b, err := d.Kept(Spool)
	require.NoError(t, err)
	assert.Equal(t, Spool, string(b))
	require.NoError(t, d.Discard())
	_, err = d.Kept(Corrected)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, d.Dismantle())
	assert.NoDirExists(t, path)
}
