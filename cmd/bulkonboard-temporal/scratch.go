package main

import (
	"os"
	"path/filepath"
	"time"

	"bulkonboard/batch/disk"
)

// What a worker needs while parts are under way is in a folder of its own, with
// a file in it that it holds a lock on. The kernel lets go of the lock when the
// worker dies, however it does, and the next one to start on the machine removes
// what is left: it is of customers.
const (
	scratchPrefix = "bulkonboard-worker-"
	scratchLock   = "lock"

	// scratchAge is how old a lock is before anybody may take its folder for
	// left behind: there is a moment between making a lock and holding it.
	scratchAge = time.Minute
)

// newScratch makes such a folder below another, or below the system's; release
// removes it. Folders that dead workers have left there are removed first.
func newScratch(below string) (folder string, release func(), err error) {
	if below == "" {
		below = os.TempDir()
	}
	removeLeft(below, time.Now().Add(-scratchAge))
	folder, err = os.MkdirTemp(below, scratchPrefix)
	if err != nil {
		return "", nil, err
	}
	held, err := disk.OS{}.Lock(filepath.Join(folder, scratchLock))
	if err != nil {
		_ = os.Remove(folder) // it is empty
		return "", nil, err
	}
	return folder, func() {
		_ = held.Unlock()        // before it goes: on a network share, a file that is open cannot
		_ = os.RemoveAll(folder) // the next worker tries again
	}, nil
}

// removeLeft removes the folders of dead workers from before a time. What is
// another user's cannot be locked, and stays.
func removeLeft(below string, before time.Time) {
	left, _ := filepath.Glob(filepath.Join(below, scratchPrefix+"*")) // the pattern is a good one, or there are none
	for _, folder := range left {
		lock := filepath.Join(folder, scratchLock)
		dir, err := os.Lstat(folder)
		if err != nil || !dir.IsDir() {
			continue
		}
		if file, err := os.Lstat(lock); err != nil || !file.Mode().IsRegular() || file.ModTime().After(before) {
			continue
		}
		held, err := disk.OS{}.Lock(lock)
		if err != nil {
			continue // its worker is alive
		}
		_ = held.Unlock()
		_ = os.RemoveAll(folder) // the next worker tries again
	}
}
