//go:build !windows

package main

import "os"

// followsEscapes reports that a terminal follows escape sequences.
func followsEscapes(*os.File) bool { return true }
