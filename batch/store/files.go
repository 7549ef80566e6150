package store

import (
	"errors"
	"io"
	"os"
)

// files is what Dir asks of a file system to change it. The tests let it fail.
type files interface {
	// Create makes a new file, for its owner only.
	Create(path string) (file, error)
	// Link gives a file another name, unless that is taken.
	Link(from, to string) error
	// Remove removes a file.
	Remove(path string) error
	// Mkdir makes a folder, for its owner only.
	Mkdir(path string) error
	// SyncDir makes durable which names a folder has.
	SyncDir(path string) error
}

// file is a file that is being written.
type file interface {
	io.WriteCloser
	Sync() error
}

// osFiles is the real file system.
type osFiles struct{}

// Create implements files.
func (osFiles) Create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Link implements files.
func (osFiles) Link(from, to string) error { return os.Link(from, to) }

// Remove implements files.
func (osFiles) Remove(path string) error { return os.Remove(path) }

// Mkdir implements files.
func (osFiles) Mkdir(path string) error { return os.Mkdir(path, 0o700) }

// SyncDir implements files.
func (osFiles) SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
