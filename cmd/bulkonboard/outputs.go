package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// namedFile is a file, and what people call it.
type namedFile struct{ what, path string }

// files are all files of a run that are written, or that must not be.
func (s *settings) files() []namedFile {
	files := []namedFile{
		{"--output", s.output}, {"--rejects", s.rejects}, {"--ledger", s.ledger.Path}, {"the key of --ledger", s.ledger.KeyPath()},
		{"--log-file", s.logs.File}, {"--metrics-file", s.metrics.file},
	}
	read := s.ServiceFlags.Files()
	for _, flag := range slices.Sorted(maps.Keys(read)) {
		files = append(files, namedFile{flag, read[flag]})
	}
	if s.output != "" {
		files = append(files, namedFile{"the summary of --output", sink.SummaryPath(s.output)})
	}
	if !s.FromStandardInput() && (s.retry == nil || !sameFile(s.Input, s.output)) { // a retry replaces what it reads
		files = append(files, namedFile{"--input", s.Input})
	}
	return files
}

// apart refuses files that are one file by whatever names: what is written to
// the one would destroy the other.
func apart(p *cli.Problems, files ...namedFile) {
	for i, a := range files {
		for _, b := range files[i+1:] {
			if a.path != "" && b.path != "" && sameFile(a.path, b.path) {
				p.Add(fmt.Sprintf("%s and %s are one file, %s; give each a file of its own", a.what, b.what, b.path))
			}
		}
	}
}

// checkOutput refuses a file that a run must not replace. in is the list that
// a retry may replace.
func (s *settings) checkOutput(flag, path string, in os.FileInfo) error {
	out, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return cli.Problems{"--" + flag + ": " + err.Error()}
	case in != nil && os.SameFile(in, out):
		return nil
	case !out.Mode().IsRegular():
		// It would not be written to, but replaced: /dev/null for everybody.
		return cli.Problems{fmt.Sprintf("--%s: %s is no ordinary file, and would be replaced by one; name another file", flag, path)}
	}
	return s.checkForeign(flag, path)
}

// checkForeign refuses to replace what another run or somebody else made.
func (s *settings) checkForeign(flag, path string) error {
	// A folder without a checkpoint is what is left of a run that is over.
	left, err := state.Inspect(state.OS{}, s.stateDir())
	if s.overwrite || err == nil && (left.Checkpoint != nil || left.Held) {
		return nil
	}
	var damaged *state.CorruptError
	if errors.As(err, &damaged) && !s.restart {
		return err
	}
	return cli.Problems{fmt.Sprintf("%s exists and this run did not make it; name another --%s, or replace it with --overwrite", path, flag)}
}

// sameFile reports whether two paths name one file, which need not be there.
func sameFile(a, b string) bool {
	if fa, err := os.Stat(a); err == nil {
		fb, err := os.Stat(b)
		return err == nil && os.SameFile(fa, fb)
	}
	folderA, errA := filepath.EvalSymlinks(filepath.Dir(a))
	folderB, errB := filepath.EvalSymlinks(filepath.Dir(b))
	return errA == nil && errB == nil && folderA == folderB && filepath.Base(a) == filepath.Base(b)
}
