package cli

import (
	"runtime"
	"runtime/debug"
)

// Version is what the build knows about itself.
func Version() string { return ModuleVersion() + " " + runtime.Version() }

// ModuleVersion is that without the version of Go.
func ModuleVersion() string {
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
