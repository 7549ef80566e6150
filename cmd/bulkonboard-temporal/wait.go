package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// Waiting for a job, and what is done with its results.

// waitFlags say what becomes of the results.
type waitFlags struct {
	wait            bool
	output, rejects string
	overwrite       bool
}

func (w *waitFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&w.wait, "wait", false, "wait for the job, and end with its exit code")
	cli.TypedOnly(c, "wait") // in bulkonboard the variable is how long to wait for a ledger
	f.StringVarP(&w.output, "output", "o", "", "copy the results to this file when the job is done, and their summary beside it; implies --wait")
	f.StringVar(&w.rejects, "rejects", "", "copy the rows that need attention to this file, as the very bytes of the input; implies --wait")
	f.BoolVar(&w.overwrite, "overwrite", false, "replace these files, if they are there")
	_ = c.MarkFlagFilename("output")
	_ = c.MarkFlagFilename("rejects")
}

func (w *waitFlags) waits() bool { return w.wait || w.output != "" || w.rejects != "" }

func (w *waitFlags) check(p *cli.Problems) {
	if w.output != "" && w.output == w.rejects {
		p.Add("--output and --rejects are one file, " + w.output + "; give each a file of its own")
	}
}

func (w *waitFlags) problems() error {
	var p cli.Problems
	w.check(&p)
	return p.Err()
}

// checkFiles refuses to write over what is there.
func (w *waitFlags) checkFiles() error {
	var p cli.Problems
	check := func(flag, name string) {
		if _, err := os.Stat(name); name != "" && !w.overwrite && !errors.Is(err, fs.ErrNotExist) {
			p.Add(fmt.Sprintf("--%s: %s exists; name another file, or replace it with --overwrite", flag, name))
		}
	}
	check("output", w.output)
	check("output", w.summary())
	check("rejects", w.rejects)
	return p.Err()
}

// summary is where the summary of the results goes; empty for nowhere.
func (w *waitFlags) summary() string {
	if w.output == "" {
		return ""
	}
	return sink.SummaryPath(w.output)
}

// jobError is a job that ended before its end.
type jobError struct {
	kind              cli.Kind
	job, reason, next string
}

func (e *jobError) Error() string {
	return fmt.Sprintf("the job %s has stopped: %s\nwhat is done is kept; to resume: %s", e.job, e.reason, e.next)
}

// Kind tells what it means.
func (e *jobError) Kind() cli.Kind { return e.kind }

// lostResultsError is a job that is done, without results.
type lostResultsError struct{ job string }

func (e *lostResultsError) Error() string {
	return fmt.Sprintf("the job %s is done, and its results are not in the store: is --store the workers' store?", e.job)
}

// Kind tells what it means.
func (e *lostResultsError) Kind() cli.Kind { return cli.Changed }

// finished reads the summary of a round, if it is done; nil if it is not.
func (j *jobClient) finished(ctx context.Context, job string, round int) (*sink.Summary, error) {
	s := jobStore(j.root, job)
	m, err := chunks.Open(ctx, s)
	if errors.As(err, new(*chunks.NoJobError)) {
		return nil, nil //nolint:nilnil // not even planned
	}
	if err != nil {
		return nil, err
	}
	r, err := s.Get(ctx, resultsName(round, m.Read.Format), 0, 1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // not yet
	}
	if err != nil {
		return nil, err
	}
	_ = r.Close() // it was only looked at
	summary, err := readSummary(ctx, s, round)
	if err != nil {
		return nil, err
	}
	return summary, nil
}

// wait waits for the round of a job, and says meanwhile how far it is. Run is
// its workflow's: once that ends, the quota may be another job's.
func (j *jobClient) wait(ctx context.Context, job, quota string, round int, run string) (*sink.Summary, error) {
	f := j.follow(job, quota, round)
	saying, quiet := context.WithCancel(ctx)
	said := make(chan struct{})
	go func() {
		defer close(said)
		f.run(saying)
	}()
	err := j.server.GetWorkflow(ctx, workflowOf(quota), run).Get(ctx, nil)
	quiet()
	<-said
	f.forecast(ctx) // of a job that is done before anybody has looked
	if ctx.Err() != nil {
		j.sayItGoesOn(job)
		return nil, batch.ErrInterrupted
	}
	if err != nil {
		err = j.stopped(ctx, job, round, err)
		if errors.As(err, new(*unreachableError)) {
			j.sayItGoesOn(job)
		}
		return nil, err
	}
	summary, err := j.finished(ctx, job, round)
	if err == nil && summary == nil {
		err = &lostResultsError{job}
	}
	return summary, err
}

func (j *jobClient) sayItGoesOn(job string) {
	j.Say("the job %s continues without this command; ask with: %s", job, j.command("status", job))
}

// stopped says why a round ended before its end.
func (j *jobClient) stopped(ctx context.Context, job string, round int, err error) error {
	var failed *temporal.ApplicationError
	e := &jobError{job: job, next: j.command("resume", job)}
	switch {
	case errors.As(err, new(*temporal.CanceledError)):
		e.kind, e.reason = cancelled, textOf(cancelled)
	case errors.As(err, new(*temporal.TerminatedError)):
		e.kind, e.reason = terminated, textOf(terminated)
	case errors.As(err, &failed):
		e.kind = kindNamed(failed.Type())
		e.reason = j.reason(ctx, job, round, e.kind)
	default:
		return &unreachableError{j.flags.address, err}
	}
	return e
}

// countsOf are the rows of a summary by their status.
func countsOf(s *sink.Summary) string {
	text := cli.Counted(s.Rows, "row")
	for _, status := range sink.Statuses() {
		if n := s.Status[status]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, status)
		}
	}
	return text
}
