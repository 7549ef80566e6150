package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// followsEscapes has the console follow escape sequences, which it does only
// when asked, and reports whether it can.
func followsEscapes(f *os.File) bool {
	var mode uint32
	handle := windows.Handle(f.Fd())
	return windows.GetConsoleMode(handle, &mode) == nil &&
		windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
