package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
)

func requirePlanted(t *testing.T, err error, path string) {
	var planted *disk.PlantedError
	require.ErrorAs(t, err, &planted)
	assert.Equal(t, path, planted.Path)
}

func TestNothingIsWrittenThroughALinkThatStandsInAFilesPlace(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	for _, name := range []string{lockName, checkpointName, checkpointName + ".tmp", Results, CustomerResults, "holder.json", filepath.Base(segmentName("", 1))} {
		path := filepath.Join(t.TempDir(), "out.csv.state")
		require.NoError(t, os.Mkdir(path, 0o700))
		require.NoError(t, os.Symlink(victim, filepath.Join(path, name)))
		d, err := Open(disk.OS{}, path, Options{})
		if err == nil {
			_, err = d.Recover()
		}
		if err == nil {
			_, err = d.Output(Results)
		}
		if err == nil {
			_, err = d.Output(CustomerResults)
		}
		if err == nil {
			err = d.Append([]Entry{outcome(1, "x")})
		}
		if err == nil {
			err = d.Commit(Checkpoint{Row: 1})
		}
		if d != nil {
			_ = d.Close()
		}
		b, _ := os.ReadFile(victim)
		assert.Equal(t, "precious", string(b), "through %s: %v", name, err)
		if name == lockName || name == Results || name == CustomerResults {
			requirePlanted(t, err, filepath.Join(path, name))
		}
	}
}

func TestAStateFolderIsMadeClosedAndIsARealFolderOfThisUser(t *testing.T) {
	shared := t.TempDir()
	path := filepath.Join(shared, "out.csv.state")
	openReal(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	link := filepath.Join(shared, "link.state")
	require.NoError(t, os.Symlink(t.TempDir(), link))
	_, err = Open(disk.OS{}, link, Options{})
	requirePlanted(t, err, link)

	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	theirs := filepath.Join(shared, "theirs.state")
	require.NoError(t, os.Mkdir(theirs, 0o777))
	require.NoError(t, os.Chown(theirs, 65533, 65533))
	_, err = Open(disk.OS{}, theirs, Options{})
	requirePlanted(t, err, theirs)
	require.NoError(t, os.Chown(shared, 65533, 65533))
	openReal(t, theirs) // a folder of theirs altogether: root continues for them
}
