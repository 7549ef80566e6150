package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// Which files are written, and that none of them is somebody else's.

// outputs are the files that a command writes which comes to results: run, retry
// and merge. None of them may replace what somebody else made.
type outputs struct {
	results, rejects   string
	overwrite, restart bool

	datedResults, datedRejects string // as they were typed, where results have a date

	replaceRejects bool // the rejects that stand there give way
	replaceSummary bool // likewise the summary beside the results
}

// register gives a command the flags. What says what it is, such as run.
func (o *outputs) register(c *cobra.Command, what string) {
	f := c.Flags()
	f.StringVarP(&o.results, "output", "o", "", "results `FILE`, such as results.csv; FILE.state holds the state of a "+what+" that is not complete")
	f.StringVar(&o.rejects, "rejects", "", "also write the rows that need attention to this file, byte for byte as they are in the list")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace an output of another run")
	f.BoolVar(&o.restart, "restart", false, "discard what an interrupted "+what+" left, and start over")
	for _, name := range []string{"output", "rejects"} {
		_ = c.MarkFlagFilename(name)
	}
}

func (o *outputs) files() []namedFile {
	return []namedFile{{"--output", o.results}, {"--rejects", o.rejects}}
}

func (o *outputs) summaryFile() namedFile {
	if o.results == "" {
		return namedFile{}
	}
	return namedFile{"the summary of --output", sink.SummaryPath(o.results)}
}

// stateDir is the state folder of the run that writes the results.
func (o *outputs) stateDir() string { return cli.StateDirOf(o.results) }

// namedFile is a file, and what people call it.
type namedFile struct{ what, path string }

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
func (o *outputs) checkOutput(flag, path string, in os.FileInfo) error {
	out, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		out, err = os.Lstat(path) // a link that leads nowhere stands there too
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && out.Mode()&os.ModeSymlink != 0:
		return o.checkForeign(flag, path)
	case err != nil:
		return cli.Problems{"--" + flag + ": " + err.Error()}
	case in != nil && os.SameFile(in, out):
		return nil
	case out.IsDir():
		return cli.Problems{fmt.Sprintf("--%s: %s is a folder; name a file in it, such as %s", flag, path, filepath.Join(path, "results.csv"))}
	case !out.Mode().IsRegular():
		// It would not be written to, but replaced: /dev/null for everybody.
		return cli.Problems{fmt.Sprintf("--%s: %s is not an ordinary file, and would be replaced by one; name another file", flag, path)}
	}
	return o.checkForeign(flag, path)
}

// ownRejects reports rejects that a retry may replace: those of the run whose
// results it replaces, as that run left them.
func (s *settings) ownRejects() (bool, error) {
	if !s.replacesItsInput() {
		return false, nil
	}
	sum := s.retry.from.summary
	if sum.Rejects == nil || !isFile(sum, sum.Rejects.Name, s.outputs.rejects) {
		return false, nil
	}
	if _, err := os.Stat(s.outputs.rejects); s.outputs.overwrite || errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	same, err := sameBytes(s.outputs.rejects, sum.Rejects)
	if !same && err == nil {
		err = cli.Problems{fmt.Sprintf("--rejects: %s was changed after the run, perhaps by somebody who corrects it; name another file, or replace it with --overwrite", s.outputs.rejects)}
	}
	return same, err
}

// checkForeign refuses to replace what another run or somebody else made.
func (o *outputs) checkForeign(flag, path string) error {
	// Only a run that is complete has put anything in place.
	left, err := state.Inspect(disk.OS{}, o.stateDir())
	if o.overwrite || err == nil && (left.Held || left.Checkpoint != nil && left.Checkpoint.Complete) {
		return nil // the run has put it there, or is refused as a second one
	}
	var damaged *state.CorruptError
	if errors.As(err, &damaged) && !o.restart {
		return err
	}
	return cli.Problems{fmt.Sprintf("%s already exists and was not created by this run; name another --%s, or replace it with --overwrite", path, flag)}
}

// replacesResults reports whether the results take the place of a file that is
// known to stand there: a retry's own list, or what --overwrite is for.
func (s *settings) replacesResults() bool { return s.outputs.overwrite || s.replacesItsInput() }

// reserve locks the places of what the run writes beyond its results, which have
// their state: the rejects, and what a link in the place of either points to. No
// other run writes there meanwhile.
func (o *outputs) reserve() (release func(), err error) {
	var reserved []func() error
	release = func() {
		for _, release := range reserved {
			_ = release() // what stays is an empty folder
		}
	}
	for _, place := range o.placesBeside() {
		one, err := state.Reserve(fileSystem, cli.StateDirOf(place))
		if err != nil {
			release()
			return nil, err
		}
		reserved = append(reserved, one)
	}
	return release, nil
}

// placesBeside are the places that reserve locks.
func (o *outputs) placesBeside() []string {
	var places []string
	for _, path := range []string{o.results, o.rejects} {
		if path != "" && path != o.results {
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
func (o *outputs) checkPlaces(p *cli.Problems) {
	cli.CheckFolder(p, "output", o.results)
	cli.CheckFolder(p, "rejects", o.rejects)
	for _, f := range o.files() {
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
