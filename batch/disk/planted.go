package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// PlantedError says that something would be written to a place that another
// user can have prepared, to read or to change it: in a folder such as /tmp
// anybody may be first to take a name.
type PlantedError struct {
	Path   string
	Reason string
}

// Error names the place and the ways out.
func (e *PlantedError) Error() string {
	return fmt.Sprintf("%s %s, and nothing is written there; remove it, or name another place", e.Path, e.Reason)
}

// CheckOwn refuses a folder that is none, or another user's, or that others may
// write to. One that belongs to the owner of the folder it is in is let pass: he
// could replace all of it anyway, and some mounts give every file to one user.
func CheckOwn(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &PlantedError{Path: name, Reason: "is not a folder, or only a link to one"}
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
	return checkClosed(name, info)
}

// checkClosed refuses a folder that others may write to. It was made with mode
// 0700, so somebody has opened it since, or has made it. A group that the folder
// hands on, and that this process is in, is how Kubernetes opens a volume to its
// pod.
func checkClosed(name string, info fs.FileInfo) error {
	mode := info.Mode()
	handedOn := mode&fs.ModeSetgid != 0 && inGroupOf(info)
	if mode&0o002 == 0 && (mode&0o020 == 0 || handedOn) || !keepsModes(name, mode) {
		return nil
	}
	return &PlantedError{Path: name, Reason: fmt.Sprintf("can be written by other users (mode %04o)", mode.Perm())}
}

// keepsModes reports a file system that has modes of its own for files. Some
// mounts show one mode for all, whatever is asked for.
func keepsModes(name string, mode fs.FileMode) bool {
	if os.Chmod(name, 0o700) != nil { //nolint:gosec // G302: a folder
		return true
	}
	info, err := os.Lstat(name)
	if err != nil || info.Mode().Perm() == mode.Perm() {
		return err != nil
	}
	_ = os.Chmod(name, mode) // for a person to look at as it was
	return true
}

// CheckLink refuses a path that ends in a symbolic link of another user, who
// could have whatever is written there go wherever he likes. Those of this user
// and of root, and of who owns the folder that they are in, are followed.
func CheckLink(path string) error {
	for range 40 { // as many as the system follows
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return nil //nolint:nilerr // what keeps it from being opened is for the opening to say
		}
		folder, err := os.Stat(filepath.Dir(path))
		if err != nil {
			return err
		}
		uid, known := ownerOf(info)
		above, _ := ownerOf(folder)
		if known && uid != 0 && uid != os.Geteuid() && uid != above {
			return &PlantedError{Path: path, Reason: fmt.Sprintf("is a symbolic link of another user (%d)", uid)}
		}
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
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
