package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// PlantedError says that the state would be written to a place that another
// user can have prepared, to read or to change it: in a folder such as /tmp
// anybody may be first to take a name.
type PlantedError struct {
	Path   string
	Reason string
}

// Error names the place and the ways out.
func (e *PlantedError) Error() string {
	return fmt.Sprintf("%s %s, and nothing is written there; remove it, or write to another --output", e.Path, e.Reason)
}

// checkOwn refuses a folder that is none, or another user's. One that belongs
// to the owner of the folder it is in is let pass: he could replace all of it
// anyway, and some mounts give every file to one user.
func checkOwn(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &PlantedError{Path: name, Reason: "is no folder, or only a link to one"}
	}
	parent, err := os.Stat(filepath.Dir(name))
	if err != nil {
		return err
	}
	uid, known := ownerOf(info)
	above, _ := ownerOf(parent)
	if known && uid != os.Geteuid() && uid != above {
		return &PlantedError{Path: name, Reason: fmt.Sprintf("belongs to another user (%d)", uid)}
	}
	return nil
}

// unlessLink tells a symbolic link from other reasons not to open a file.
func unlessLink(name string, err error) error {
	if errors.Is(err, syscall.ELOOP) {
		return &PlantedError{Path: name, Reason: "is a symbolic link"}
	}
	return err
}
