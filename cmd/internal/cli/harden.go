package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// WithoutCore keeps the memory of this process, in which the secret is, from
// ever being written to a file. Where the system does not let it, there is
// nothing more to do.
func WithoutCore() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	notDumpable()
}

// isOurs reports a file that belongs to the user that this process runs as.
func isOurs(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(s.Uid) == int64(os.Geteuid())
}
