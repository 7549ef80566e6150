package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// jobFolder is the shared folder of a job whose parts run apart.
type jobFolder struct{ path string }

func (j *jobFolder) register(c *cobra.Command, usage string) {
	c.Flags().StringVar(&j.path, "job", "", usage)
	_ = c.MarkFlagDirname("job")
}

func (j *jobFolder) check(p *cli.Problems) { p.Need("job", j.path) }

// make makes the folder. What it is in must be there: it is what is mounted on
// every machine.
func (j *jobFolder) make() (*store.Dir, error) {
	if j.isAddress() {
		return j.openStore()
	}
	if err := os.Mkdir(j.path, 0o700); err != nil && !os.IsExist(err) {
		var p cli.Problems
		if cli.CheckFolder(&p, "job", j.path); len(p) > 0 {
			return nil, p
		}
		return nil, cli.Problems{fmt.Sprintf("--job: the folder %s cannot be made: %v; choose another --job", j.shown(), disk.Cause(err))}
	}
	return j.openStore()
}

// openStore opens the folder, in which there are the list, and the address that
// the secret is sent to: no one else may write there.
func (j *jobFolder) openStore() (*store.Dir, error) {
	if j.isAddress() {
		_, err := store.Open(j.path) // which says why not
		return nil, cli.Problems{"--job: " + err.Error()}
	}
	path, err := j.there()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(disk.CheckLink(j.path), disk.CheckOwn(path)); err != nil {
		return nil, err
	}
	return store.Open(j.path)
}

// isAddress reports a store that is not a folder, such as a bucket: this program has
// none.
func (j *jobFolder) isAddress() bool { return strings.Contains(j.path, "://") }

// shown is the folder in a message.
func (j *jobFolder) shown() string { return cli.OneLine(j.path) }

// there finds where the folder is, and what keeps it from being used: most often it
// is not mounted, or mistyped.
func (j *jobFolder) there() (path string, err error) {
	path, err = filepath.EvalSymlinks(j.path)
	if err == nil {
		var info os.FileInfo
		if info, err = os.Stat(path); err == nil && !info.IsDir() {
			return "", cli.Problems{fmt.Sprintf("--job: %s is not a folder; name the folder of a job", j.shown())}
		}
	}
	switch {
	case disk.Absent(err):
		return "", cli.Problems{fmt.Sprintf("--job: there is no folder %s; check the name, mount it, or plan the job: %s plan LIST %s …", j.shown(), cli.Program(), j.flag())}
	case err != nil:
		return "", cli.Problems{fmt.Sprintf("--job: %s cannot be read: %v; all machines must work as its owner", j.shown(), disk.Cause(err))}
	case unix.Access(path, unix.R_OK|unix.W_OK|unix.X_OK) != nil:
		return "", cli.Problems{fmt.Sprintf("--job: you may not read and write %s; all machines must work as its owner", j.shown())}
	}
	return path, nil
}

// open opens the folder of a job that is planned.
func (j *jobFolder) open(ctx context.Context) (*store.Dir, *chunks.Manifest, error) {
	s, err := j.openStore()
	switch {
	case errors.As(err, new(*disk.PlantedError)), errors.As(err, new(cli.Problems)):
		return nil, nil, err
	case err != nil:
		return nil, nil, cli.Problems{"--job: " + err.Error()}
	}
	m, err := chunks.Open(ctx, s)
	if errors.As(err, new(*chunks.NoJobError)) {
		err = fmt.Errorf("%s: %w", j.flag(), err)
	}
	return s, m, err
}

// command is a command of this program on the job, for the folder in which it was
// started.
func (j *jobFolder) command(name string) string {
	return cli.Program() + " " + name + " " + j.flag()
}

// flag is the folder as it is typed.
func (j *jobFolder) flag() string { return "--job " + cli.Quoted(j.path) }

// showStatus tells how far the job is.
func (j *jobFolder) showStatus(ctx context.Context, w io.Writer) error {
	s, m, err := j.open(ctx)
	if err != nil {
		return err
	}
	p, err := m.Progress(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "job %s: %s of %s in %s, %d at once; round %d\n", m.Run, cli.Counted(m.Rows(), "row"), m.Source.Name, cli.Counted(len(m.Chunks), "chunk"), m.Parallel, p.Round)
	fmt.Fprintf(w, "  done     %s, %s\n", cli.Counted(len(p.Done), "part"), cli.Counted(p.Rows, "row"))
	for _, left := range []struct {
		what  string
		parts []string
	}{{"begun", p.Begun}, {"to do", p.ToDo}} {
		if len(left.parts) > 0 {
			fmt.Fprintf(w, "  %-8s %s: %s\n", left.what, cli.Counted(len(left.parts), "part"), someOf(left.parts))
		}
	}
	fmt.Fprintf(w, "  next:    %s\n", j.next(p))
	return nil
}

// next is the command for what is left. The rest is possible after all chunks.
func (j *jobFolder) next(p *chunks.Progress) string {
	switch {
	case len(p.ToDo) > 0 && (p.ToDo[0] != restIndex || len(p.Begun) == 0):
		return j.runPart(p.ToDo[0])
	case len(p.Begun) > 0:
		return "unless it is running on a machine: " + j.runPart(p.Begun[0])
	default:
		return j.command("merge") + " --output RESULTS"
	}
}

// runPart is the command that runs a part of the job.
func (j *jobFolder) runPart(name string) string {
	index := name
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "chunk-")); err == nil {
		index = strconv.Itoa(n)
	}
	return j.command("run-chunk") + " --index " + index
}

// someOf names the first of many.
func someOf(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " …"
}

// scratchFolder makes a folder for what is thrown away, among the temporary
// files unless another place is named.
func scratchFolder(in string) (path string, remove func(), err error) {
	if in != "" {
		var p cli.Problems
		if cli.CheckFolder(&p, "scratch", filepath.Join(in, "bulkonboard-")); len(p) > 0 {
			return "", nil, p
		}
	}
	path, err = os.MkdirTemp(in, "bulkonboard-")
	if err != nil {
		return "", nil, cli.Problems{"no room for temporary files: " + err.Error() + "; name another place with --scratch"}
	}
	return path, func() { _ = os.RemoveAll(path) }, nil // what stays takes up room, and no more
}

// latest is a round as it was asked for: the last one for 0.
func latest(ctx context.Context, s store.Store, round int) (int, error) {
	if round > 0 {
		return round, nil
	}
	rounds, err := chunks.Rounds(ctx, s)
	return len(rounds), err
}
