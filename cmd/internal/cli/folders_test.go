package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAFileThatCannotBeReadIsNamedWithTheNextStep(t *testing.T) {
	folder := t.TempDir()
	_, missing := os.Open(filepath.Join(folder, "file"))
	_, isFolder := os.ReadFile(folder)
	assert.Equal(t, "--fixes: there is no file file; check the name", CannotRead("fixes", "file", missing))
	assert.Equal(t, "--fixes: folder is a folder; name a file in it", CannotRead("fixes", "folder", isFolder))
	for err, says := range map[error]string{
		syscall.EACCES:  "--fixes: you may not read file; check who may read it and its folder",
		syscall.ENOTDIR: "--fixes: there is no file file; check the name",
		syscall.EIO:     "--fixes: file cannot be read: input/output error",
	} {
		assert.Equal(t, says, CannotRead("fixes", "file", &fs.PathError{Op: "open", Path: "file", Err: err}))
	}
}
