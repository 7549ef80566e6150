package state

import "os"

// Remove implements Lock. Windows removes no file that is open; then another
// process has it, and the file is that one's to remove.
func (l fileLock) Remove() error {
	err := l.Unlock()
	_ = os.Remove(l.Path())
	return err
}
