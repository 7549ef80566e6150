package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// openTransient makes a file that the system removes when it is closed, by
// whatever end of the process. Its name cannot be taken off before that.
func openTransient(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|windows.O_FILE_FLAG_DELETE_ON_CLOSE, 0o600)
}
