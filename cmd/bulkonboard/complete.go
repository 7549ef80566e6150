package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Whether what a command is asked for has been done already.

// complete gives the summary of the run that has done already what was asked
// for: the same command, with the same settings, for the same bytes of the list,
// whose results stand where it put them. A command that was killed on its way
// out is found so, and so is one that is typed again. nil: there is work to do.
func (s *settings) complete(list string) (*sink.Summary, error) {
	sum := s.outputs.sameRun(s.sameCommand)
	if sum == nil {
		return nil, nil //nolint:nilnil // see above
	}
	if s.replacesItsInput() {
		if !isFile(sum, sum.Input.Name, s.outputs.results) {
			return nil, nil //nolint:nilnil // of other results; its own were what these have replaced
		}
		return s.outputs.standing(sum)
	}
	if same, err := sameBytes(list, &sum.Input); !same || err != nil {
		return nil, err
	}
	return s.outputs.standing(sum)
}

// sameRun gives the summary of a complete run of the command that is started now;
// nil when there is none, or when another run is under way.
func (o *outputs) sameRun(same func(*sink.Summary) bool) *sink.Summary {
	if o.restart {
		return nil
	}
	if left, err := state.Inspect(fileSystem, o.stateDir()); err == nil && left.Checkpoint != nil {
		return nil // it resumes
	}
	b, err := readSummaryFile(sink.SummaryPath(o.results))
	if err != nil {
		return nil // what is wrong with it is said when it is to be written
	}
	sum, err := sink.DecodeSummary(b)
	if err != nil || !sum.Complete || sum.Output == nil || !same(sum) {
		return nil
	}
	return sum
}

// standing gives the summary of a run if its results stand where it put them.
func (o *outputs) standing(sum *sink.Summary) (*sink.Summary, error) {
	if same, err := sameBytes(o.results, sum.Output); !same || err != nil {
		return nil, err
	}
	return sum, nil
}

// sameCommand compares what is started now with what a run was started with.
func (s *settings) sameCommand(sum *sink.Summary) bool {
	return sameCommand(s.commandNow(), s.shown, sum) && (s.retry != nil || slices.Equal(s.list.KeepConstants(sum.Run), sum.Command.Set))
}

// sameCommand compares a command, with all its settings, with that of a run.
func sameCommand(now sink.Command, shown map[string]string, sum *sink.Summary) bool {
	before := &sum.Command
	return now.Name == before.Name && now.Job == before.Job && now.Fixes == before.Fixes &&
		sameWords(now.Only, before.Only) && sameWords(now.ErrorCodes, before.ErrorCodes) && repeats(sum, shown)
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// isFile reports whether the name that a run had for a file means the file that
// is called so now.
func isFile(sum *sink.Summary, before, now string) bool {
	if before != "" && !filepath.IsAbs(before) {
		before = filepath.Join(sum.Command.Folder, before)
	}
	return before != "" && sameFile(before, now)
}

// sameBytes reports whether a file is the file that a summary names.
func sameBytes(path string, said *sink.File) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() != said.Size {
		return false, nil
	}
	if err != nil {
		return false, &state.IOError{Op: "look at", Path: path, Err: err}
	}
	size, sum, err := sumOf(path)
	return err == nil && size == said.Size && sum == said.SHA256, err
}

// replacesItsInput reports a retry whose results take the place of those that it
// reads.
func (s *settings) replacesItsInput() bool {
	return s.retry != nil && sameFile(s.list.Input, s.outputs.results)
}

// completeStream is complete for standard input, which is kept to be compared. A
// list that comes again may be left out, as when an interrupted run resumes, by a
// terminal or /dev/null. A pipe that is empty is an export that failed: it must not
// pass for a night that is done.
func (s *settings) completeStream(stdin io.Reader) (sum *sink.Summary, err error) {
	if sum = s.outputs.sameRun(s.sameCommand); sum == nil {
		return nil, nil //nolint:nilnil // there is work to do
	}
	if sum, err = s.outputs.standing(sum); sum == nil || err != nil {
		return nil, err
	}
	incoming, err := incomingList(stdin)
	switch {
	case err != nil:
		return nil, err
	case incoming == nil && isTerminal(stdin):
		return sum, nil
	case incoming == nil:
		return nil, errEmptyInput
	}
	dir, err := state.Open(fileSystem, s.outputs.stateDir(), state.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if err := dir.KeepSpool(incoming); err != nil {
		return nil, err
	}
	same, err := sameBytes(dir.KeptPath(state.Spool), &sum.Input)
	if same || err != nil {
		return sum, err
	}
	s.spooled = true
	return nil, nil //nolint:nilnil // another list
}

// sayComplete removes what is left of a run that is complete, says so, and ends
// as the run did.
func (s *settings) sayComplete(ctx context.Context, sum *sink.Summary, v *cli.Voice) (err error) {
	if err := tidy(s.outputs.stateDir()); err != nil {
		return err
	}
	v.Of(sum.Run)
	var monitor measure.Monitor
	monitor.Begin(&measure.Tally{Rows: sum.Rows, Status: sum.Status, Open: sum.Open}, source.Position{Row: sum.Rows})
	shown, err := s.metrics.open(ctx, &monitor, v.Log)
	if err != nil {
		return err
	}
	if shown != nil {
		defer func() {
			shown.end(cli.ExitCode(err), time.Now())
			shown.close()
		}()
	}
	again := "--restart --overwrite"
	if s.replacesItsInput() {
		again = "--restart"
	}
	return s.outputs.sayComplete(sum, v, again)
}

// sayComplete says that the results are there, and what to add to make them
// again.
func (o *outputs) sayComplete(sum *sink.Summary, v *cli.Voice, again string) error {
	v.Say("already complete: %s has the results, by run %s on %s; no customer was called. To call again, add %s",
		cli.OneLine(o.results), sum.Run, sum.EndedAt.Local().Format(time.DateTime), again)
	for _, status := range sink.Statuses() {
		if n := sum.Status[status]; n > 0 {
			fmt.Fprintf(v.People, "  %-10s %d\n", status, n)
		}
	}
	if sum.ExitCode == cli.ExitOK {
		return nil
	}
	return &cli.BadRowsError{Rows: sink.Bad(sum.Status)}
}

// tidy removes the state folder of a run that is complete, which has nothing in
// it that is still needed.
func tidy(path string) error {
	if _, err := fileSystem.Size(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	dir, err := state.Open(fileSystem, path, state.Options{})
	if err != nil {
		return err
	}
	return errors.Join(dir.Dismantle(), dir.Close())
}
