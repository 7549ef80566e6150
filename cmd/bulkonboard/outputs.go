package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

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
		{"--log-file", s.logs.File}, {"--metrics-file", s.metrics.file}, {"--app-secret-file", s.SecretFile}, {"--ca-file", s.CAFile},
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
	if errors.Is(err, os.ErrNotExist) {
		out, err = os.Lstat(path) // a link that leads nowhere stands there too
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && out.Mode()&os.ModeSymlink != 0:
		return s.checkForeign(flag, path)
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

// ownRejects reports rejects that a retry may replace: those of the run whose
// results it replaces, as that run left them.
func (s *settings) ownRejects() (bool, error) {
	if !s.replacesItsInput() {
		return false, nil
	}
	sum := s.retry.from.summary
	if sum.Rejects == nil || !s.isFile(sum, sum.Rejects.Name, s.rejects) {
		return false, nil
	}
	if _, err := os.Stat(s.rejects); s.overwrite || errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	same, err := sameBytes(s.rejects, sum.Rejects)
	if !same && err == nil {
		err = cli.Problems{fmt.Sprintf("--rejects: %s was changed after the run, perhaps by somebody who corrects it; name another file, or replace it with --overwrite", s.rejects)}
	}
	return same, err
}

// place writes a file where nothing stands by then, unless that is to be replaced.
func place(path string, replace bool, content io.Reader) error {
	if replace {
		return state.Replace(fileSystem, path, content)
	}
	err := state.Create(fileSystem, path, content)
	if errors.Is(err, fs.ErrExist) {
		return cli.Problems{path + " was created by something else meanwhile, and is left as it is; name another file"}
	}
	return err
}

// checkForeign refuses to replace what another run or somebody else made.
func (s *settings) checkForeign(flag, path string) error {
	// Only a run that is complete has put anything in place.
	left, err := state.Inspect(state.OS{}, s.stateDir())
	if s.overwrite || err == nil && (left.Held || left.Checkpoint != nil && left.Checkpoint.Complete) {
		return nil // the run has put it there, or is refused as a second one
	}
	var damaged *state.CorruptError
	if errors.As(err, &damaged) && !s.restart {
		return err
	}
	return cli.Problems{fmt.Sprintf("%s already exists and was not created by this run; name another --%s, or replace it with --overwrite", path, flag)}
}

// replacesResults reports whether the results take the place of a file that is
// known to stand there: a retry's own list, or what --overwrite is for.
func (s *settings) replacesResults() bool { return s.overwrite || s.replacesItsInput() }

// reserve locks the places of what the run writes beyond its results, which have
// their state: the rejects, and what a link in the place of either points to. No
// other run writes there meanwhile.
func (s *settings) reserve() (release func(), err error) {
	var reserved []func() error
	release = func() {
		for _, release := range reserved {
			_ = release() // what stays is an empty folder
		}
	}
	for _, place := range s.placesBeside() {
		one, err := state.Reserve(fileSystem, stateDirOf(place))
		if err != nil {
			release()
			return nil, err
		}
		reserved = append(reserved, one)
	}
	return release, nil
}

// placesBeside are the places that reserve locks.
func (s *settings) placesBeside() []string {
	var places []string
	for _, path := range []string{s.output, s.rejects} {
		if path != "" && path != s.output {
			places = append(places, path)
		}
		if end := leadsTo(path); end != path {
			places = append(places, end)
		}
	}
	return places
}

// leadsTo is the file that a link points to, which need not be there; a path that
// is not a link is itself.
func leadsTo(path string) string {
	const most = 40 // links behind each other: as many as the kernel follows
	for range most {
		next, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	return path
}

// longestSuffix is what the program adds to the name of an output, at most.
const longestSuffix = len(".summary.json.tmp")

// maxName is how long a file's name may be, in bytes, nearly everywhere.
const maxName = 255

// checkPlaces refuses names that no output can have.
func (s *settings) checkPlaces(p *cli.Problems) {
	for _, f := range []namedFile{{"--output", s.output}, {"--rejects", s.rejects}} {
		name := filepath.Base(f.path)
		switch {
		case f.path == "-":
			p.Add(f.what + " is -, and this is not written to standard output: it appears as a file once it is complete; name a file")
		case len(name) > maxName-longestSuffix:
			p.Add(fmt.Sprintf("%s: the file name is too long: it has %d bytes, and may have %d, since files beside it have longer names", f.what, len(name), maxName-longestSuffix))
		}
	}
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
