package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func requirePlanted(t *testing.T, err error, path string) {
	var planted *PlantedError
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
		d, err := Open(OS{}, path, Options{})
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

func TestWhatStandsInTheWayOfATemporaryFileIsReplacedAndNotWrittenInto(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "results.csv")
	require.NoError(t, os.WriteFile(name+".tmp", nil, 0o666))
	theirs, err := os.Open(name + ".tmp") // as somebody may who made it
	require.NoError(t, err)
	defer theirs.Close()
	require.NoError(t, Replace(OS{}, name, strings.NewReader("personal")))
	info, err := theirs.Stat()
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	info, err = os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAStateFolderIsMadeClosedAndIsARealFolderOfThisUser(t *testing.T) {
	shared := t.TempDir()
	path := filepath.Join(shared, "made", "out.csv.state")
	openReal(t, path)
	for _, folder := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(folder)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm(), folder)
	}

	link := filepath.Join(shared, "link.state")
	require.NoError(t, os.Symlink(t.TempDir(), link))
	_, err := Open(OS{}, link, Options{})
	requirePlanted(t, err, link)

	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	theirs := filepath.Join(shared, "theirs.state")
	require.NoError(t, os.Mkdir(theirs, 0o777))
	require.NoError(t, os.Chown(theirs, 65533, 65533))
	_, err = Open(OS{}, theirs, Options{})
	requirePlanted(t, err, theirs)
	require.NoError(t, os.Chown(shared, 65533, 65533))
	openReal(t, theirs) // a folder of theirs altogether: root continues for them
}
