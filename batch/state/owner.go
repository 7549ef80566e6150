package state

import (
	"io/fs"
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
