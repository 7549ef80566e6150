package disk

import (
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// noFollow fails the opening of a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// ownerOf is the user id that a file belongs to.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// inGroupOf reports a file of a group that this process is in.
func inGroupOf(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	groups, _ := os.Getgroups() // none: then there is the one below
	return int(s.Gid) == os.Getegid() || slices.Contains(groups, int(s.Gid))
}
