package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// retrySettings are the flags of retry.
type retrySettings struct {
	client  clientFlags
	waiting waitFlags
	rows    cli.RowFlags
}

func retryCommand() *cobra.Command {
	var s retrySettings
	c := &cobra.Command{
		Use:   "retry JOB --store STORE",
		Short: "Call again for the rows of a job that failed",
		Long: `retry begins another round of a job that is done: it calls again for the rows that
were rejected or failed, or for those of them that are selected, and for no
others. Its results are those of the whole list, with the newest of each row.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.client.with(c, func(ctx context.Context, j *jobClient) error { return s.retry(ctx, j, args[0]) }, s.checkRows, s.waiting.problems)
		},
	}
	c.Flags().SortFlags = false
	s.rows.RegisterRetry(c)
	cli.TypedOnly(c, "only", "error-code")
	s.waiting.register(c)
	s.client.register(c)
	return c
}

func (s *retrySettings) checkRows() error {
	var p cli.Problems
	s.rows.Check(&p)
	return p.Err()
}

// undoneError is a job that has to be done before some of it can be done again.
type undoneError struct{ job, next string }

func (e *undoneError) Error() string {
	return fmt.Sprintf("the job %s is not done yet; resume it first: %s", e.job, e.next)
}

// Kind tells what it means.
func (e *undoneError) Kind() cli.Kind { return cli.Unfinished }

// none reports whether no row is selected, as far as its summary tells: which
// error codes there are it does not always.
func (s *retrySettings) none(done *sink.Summary) bool {
	for _, status := range s.rows.Selection().Statuses {
		if done.Status[status] > 0 {
			return false
		}
	}
	return true
}

// retry begins another round, once it is known that it can start.
func (s *retrySettings) retry(ctx context.Context, j *jobClient, job string) error {
	if err := s.waiting.checkFiles(); err != nil {
		return err
	}
	r, err := readRequest(ctx, j.root, job)
	if err != nil {
		return err
	}
	place := jobStore(j.root, job)
	rounds, err := chunks.Rounds(ctx, place)
	if err != nil {
		return err
	}
	done, err := j.finished(ctx, job, len(rounds))
	if err != nil {
		return err
	}
	if done == nil {
		return &undoneError{job, j.command("resume", job)}
	}
	if err := cli.CheckRetried(s.waiting.output, done.Run, "bulkonboard"); err != nil {
		return err
	}
	if s.none(done) {
		j.Say("no row of the job %s is selected; no customer is called", job)
		return j.conclude(ctx, job, len(rounds), done, &s.waiting)
	}
	if err := j.free(ctx, r.Quota, job); err != nil {
		return err
	}
	m, err := chunks.Open(ctx, place)
	if err != nil {
		return err
	}
	if _, err := chunks.StartRound(ctx, place, m, s.rows.Selection()); err != nil {
		return err
	}
	return j.takeUp(ctx, job, r, &s.waiting)
}
