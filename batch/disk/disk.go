// Package disk writes files that are whole or not there, wherever the process
// is killed or the power goes.
//
// What a function has done when it returns without an error survives a power cut.
// After an error, or a crash on the way, there is what was there before, or the
// whole new file. The order of steps:
//
//	Write    new file, never through a link; content; fsync of the file
//	Replace  Write to NAME.tmp; Rename: rename to NAME, fsync of the folder
//	Create   Write to NAME.tmp; Move: link as NAME, which fails where something
//	         stands, fsync of the folder, removal of NAME.tmp
//
// Content is durable before it has its name, and a new name before the old one
// goes, since a power cut may keep any of the changes of names that no fsync of a
// folder has covered. The next writer replaces a NAME.tmp that a crash has left;
// there may be one writer of a NAME at a time.
//
// A file system must rename wholly or not at all, and its fsync must cover the
// content of a file, and the names in a folder. Nothing is believed of a file whose
// fsync failed. Where there are no hard links, Move looks whether something stands,
// and what comes in between is lost: where that must not be, use FS.Link.
//
// Errors are the system's. Callers say what could not be done, and what to do.
package disk

import (
	"io"
	"io/fs"
)

// FS is the part of a file system that is used of it. Names are paths. It is safe
// for concurrent use. Errors of a missing file satisfy errors.Is(err,
// fs.ErrNotExist).
type FS interface {
	// OpenFile opens a file as os.OpenFile does.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Rename puts a file in the place of another, or of none, at once.
	Rename(from, to string) error
	// Link gives a file a second name, which nothing may have: otherwise the
	// error satisfies errors.Is(err, fs.ErrExist).
	Link(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// Mkdir makes a folder, for its owner only, where nothing stands: otherwise
	// the error satisfies errors.Is(err, fs.ErrExist).
	Mkdir(name string) error
	// ReadDir lists the names in a folder, sorted.
	ReadDir(name string) ([]string, error)
	// Size is the length of a file in bytes.
	Size(name string) (int64, error)
	// SyncDir makes durable which names a folder has.
	SyncDir(name string) error
	// Lock takes the lock on a file, or returns ErrHeld at once.
	Lock(name string) (Lock, error)
}

// File is an open file. It is used by one goroutine, but for Sync.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	Truncate(size int64) error
	// Sync makes durable what was written. An error is final: what was
	// written may be gone, whatever a second call says.
	Sync() error
}
