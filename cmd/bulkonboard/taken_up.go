package main

// Results of one job in several files: a retry of one of them does not show in the
// others, whose rows are as the job knows them.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bulkonboard/batch/chunks"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// takenUp finds, in the folder of results that a job came to, others of the same job
// that a retry has taken up; "" for none.
func takenUp(results, job string) string {
	folder := filepath.Dir(results)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		name, isSummary := strings.CutSuffix(e.Name(), sink.SummaryPath(""))
		other := filepath.Join(folder, name)
		if !isSummary || name == filepath.Base(results) {
			continue
		}
		s, _ := summaryOf(other) // one that was edited counts: it still says of which job it is
		if s != nil && (s.Command.FirstRun == job || s.Run == job && isBeingRetried(other)) {
			return other
		}
	}
	return ""
}

// isBeingRetried reports a retry of results that was interrupted, or is under way.
func isBeingRetried(results string) bool {
	left, err := state.Inspect(fileSystem, cli.StateDirOf(results))
	return err == nil && left.Checkpoint != nil && cli.CommandOf(left.Checkpoint) == "retry"
}

// checkTakenUp refuses to begin a retry of what a job came to where others of its
// results were retried: who starts it may not know that these customers are called
// again. With --restart they are.
func (s *settings) checkTakenUp() error {
	if s.retry == nil || s.outputs.restart {
		return nil
	}
	sum := s.retry.from.summary
	if _, err := state.Inspect(fileSystem, s.outputs.stateDir()); err == nil || sum.Command.Name != chunks.MergeCommand {
		return nil // it has begun, or the results are of no job
	}
	other := takenUp(s.retry.from.path, sum.Run)
	if other == "" || sameFile(other, s.outputs.results) {
		return nil
	}
	return cli.Problems{fmt.Sprintf("%s has what a retry has made of the results of this job, and %s does not have its session ids: customers would be called again. Send what is left from there, with %s; or call them again all the same, with --restart",
		cli.OneLine(other), cli.OneLine(s.retry.from.path), command("retry", other))}
}

// sayTakenUp says of results that were merged that others have more.
func (m *merging) sayTakenUp(v *cli.Voice, job string) {
	if other := takenUp(m.outputs.results, job); other != "" {
		v.Say("notice: %s has what a retry has made of the results of this job, and %s has these rows as the job knows them: a retry of it would call customers again",
			cli.OneLine(other), cli.OneLine(m.outputs.results))
	}
}
