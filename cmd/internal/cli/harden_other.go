//go:build !unix

package cli

import (
	"io/fs"
	"os"
)

// WithoutCore does nothing: there are no core files here.
func WithoutCore() {}

// isOurs is always false: who may read a file is not in its mode here.
func isOurs(fs.FileInfo) bool { return false }

func onReadOnlyMount(*os.File) bool { return false }
