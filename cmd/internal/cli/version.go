package cli

import (
	"crypto/fips140"
	"runtime"
	"runtime/debug"
)

// What a build knows of itself.

// stamped is the version of a build without a repository, such as that of an
// image; the linker sets it.
var stamped string

// Version is what the build knows about itself: its own version, that of Go, and
// the FIPS 140-3 module that it uses, where it does.
func Version() string {
	version := ModuleVersion() + " " + runtime.Version()
	if fips140.Enabled() {
		version += " (Go Cryptographic Module " + fips140.Version() + ", FIPS 140-3 mode)"
	}
	return version
}

// ModuleVersion is that without the version of Go.
func ModuleVersion() string {
	if stamped != "" {
		return stamped
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && (v == "" || v == "(devel)"):
			v = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			v += "+changes"
		}
	}
	return v
}
