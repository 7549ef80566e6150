package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// notDumpable is heeded where a program takes core dumps, to which limits mean
// nothing; and it keeps other processes of the user from looking into this one.
func notDumpable() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// onReadOnlyMount reports a file whose mode cannot be changed here.
func onReadOnlyMount(file *os.File) bool {
	var s unix.Statfs_t
	return unix.Fstatfs(int(file.Fd()), &s) == nil && s.Flags&unix.ST_RDONLY != 0
}
