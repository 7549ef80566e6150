package disk

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRoomIsAskedForOnlyWhereRoomMayHelp and not where a name is mistyped.
func TestRoomIsAskedForOnlyWhereRoomMayHelp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, missing := os.Open(file + "s")
	_, below := os.Open(filepath.Join(file, "file"))
	_, folder := os.ReadFile(filepath.Dir(file))
	for _, of := range []struct {
		err    error
		absent bool
		says   string
	}{
		{missing, true, "check that it is there"},
		{below, true, "check that it is there"},
		{folder, false, "name a file"},
		{&fs.PathError{Op: "open", Path: file, Err: syscall.EACCES}, false, "check who may read and write it"},
		{&fs.PathError{Op: "write", Path: file, Err: syscall.ENOSPC}, false, "make room"},
		{&fs.PathError{Op: "read", Path: file, Err: syscall.EIO}, false, "fix the disk"},
	} {
		assert.Equal(t, of.absent, Absent(of.err), of.err)
		assert.Contains(t, Remedy(of.err), of.says)
	}
}
