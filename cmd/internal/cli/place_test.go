package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/disk/disktest"
	"bulkonboard/batch/state"
)

func TestAFileThatIsAskedForIsWholeOrNotThere(t *testing.T) {
	for _, replace := range []bool{false, true} {
		for n := 1; ; n++ {
			d := disktest.New()
			d.FailAt, d.Err = n, &fs.PathError{Op: "do", Path: "it", Err: syscall.ENOSPC}
			err := Place(d, "/w/file", replace, disk.Copy(strings.NewReader("a text")))
			if d.Ops < n {
				require.NoError(t, err)
				break
			}
			var failed *state.IOError
			require.ErrorAs(t, err, &failed, "operation %d", n)
			assert.Equal(t, "/w/file", failed.Path)
			assert.Equal(t, syscall.ENOSPC, failed.Err)
			if text, there := d.Files()["/w/file"]; there {
				assert.Equal(t, "a text", string(text), "operation %d", n)
			}
		}
	}
}

func TestAFileWhoseContentFailsIsNotMade(t *testing.T) {
	folder := t.TempDir()
	unread := &fs.PathError{Op: "read", Path: "list.csv", Err: syscall.EIO}
	for _, wrong := range []error{unread, fmt.Errorf("the list: %w", unread)} {
		err := Place(disk.OS{}, filepath.Join(folder, "file"), false, func(w io.Writer) error {
			if _, err := io.WriteString(w, "half a te"); err != nil {
				return err
			}
			return wrong
		})
		require.Equal(t, wrong, err)
		assert.NotErrorAs(t, err, new(*state.IOError), "the disk is not to blame")
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestTwoThatWriteOneFileAtOnceEachWriteItWhole, and what is called as they might
// call what is not whole yet stays.
func TestTwoThatWriteOneFileAtOnceEachWriteItWhole(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file+".tmp", []byte("theirs"), 0o600))
	require.NoError(t, Place(disk.OS{}, file, true, func(w io.Writer) error {
		_, err := io.WriteString(w, "the first, ")
		require.NoError(t, Place(disk.OS{}, file, true, disk.Copy(strings.NewReader("the second"))))
		require.NoError(t, err)
		_, err = io.WriteString(w, "whole")
		return err
	}))
	for name, want := range map[string]string{file: "the first, whole", file + ".tmp": "theirs"} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, want, string(b))
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, left, 2)
}

func TestAPlaceThatNoFileCanHaveIsTheUsersToChange(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "theirs"), []byte("theirs"), 0o600))
	for name, says := range map[string]string{"theirs": "exists and is left as it is", "nowhere/file": "no such file or directory; name another file"} {
		err := Place(disk.OS{}, filepath.Join(folder, name), false, disk.Copy(strings.NewReader("ours")))
		require.ErrorAs(t, err, new(Problems))
		assert.ErrorContains(t, err, says)
	}
	b, err := os.ReadFile(filepath.Join(folder, "theirs"))
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(b))
}
