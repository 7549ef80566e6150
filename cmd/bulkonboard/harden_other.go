//go:build !unix

package main

import (
	"io/fs"
	"os"
)

func withoutCore() {}

// isOurs is always false: who may read a file is not in its mode here.
func isOurs(fs.FileInfo) bool { return false }

func onReadOnlyMount(*os.File) bool { return false }
