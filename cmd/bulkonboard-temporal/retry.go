package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// retrySettings are the flags of retry.
type retrySettings struct {
	deskFlags
	waiting     waitFlags
	only, codes []string
}

func retryCommand() *cobra.Command {
	var s retrySettings
	c := &cobra.Command{
		Use:   "retry JOB --store STORE",
		Short: "Call again for the rows of a job that did not end well",
		Long: `retry begins another round of a job that is done: it calls again for the rows that
were rejected or failed, or for those of them that are selected, and for nobody
else. Its results are those of the whole list, with the newest of each row.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.with(c, func(ctx context.Context, d *desk) error { return s.retry(ctx, d, args[0]) }, s.checkRows, s.waiting.problems)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&s.only, "only", nil, "only rows with one of these statuses: failed,rejected")
	f.StringSliceVar(&s.codes, "error-code", nil, "only rows with one of these error codes")
	s.waiting.register(c)
	s.register(c)
	cli.TypedOnly(c, "only", "error-code")
	return c
}

// retryStatuses are those that can be called for again.
var retryStatuses = []string{string(sink.Failed), string(sink.Rejected)}

func (s *retrySettings) checkRows() error {
	var p cli.Problems
	for _, status := range s.only {
		if !slices.Contains(retryStatuses, status) {
			p.Add(fmt.Sprintf("--only is %q; it takes failed and rejected", status))
		}
	}
	return p.Err()
}

func (s *retrySettings) round() chunks.Round {
	r := chunks.Round{StartedAt: time.Now().UTC(), ErrorCodes: s.codes}
	statuses := s.only
	if len(statuses) == 0 {
		statuses = retryStatuses
	}
	for _, status := range statuses {
		r.Statuses = append(r.Statuses, sink.Status(status))
	}
	return r
}

// undoneError is a job that has to be done before some of it can be done again.
type undoneError struct{ job, next string }

func (e *undoneError) Error() string {
	return fmt.Sprintf("the job %s is not done yet; go on with it first: %s", e.job, e.next)
}

// ExitsWith tells main the exit code.
func (e *undoneError) ExitsWith() int { return cli.ExitStopped }

// none reports whether no row is selected, as far as its summary tells: which
// error codes there are it does not always.
func (s *retrySettings) none(done *sink.Summary) bool {
	for _, status := range s.round().Statuses {
		if done.Status[status] > 0 {
			return false
		}
	}
	return true
}

// retry begins another round, once it is known that it can start.
func (s *retrySettings) retry(ctx context.Context, d *desk, job string) error {
	if err := s.waiting.checkFiles(); err != nil {
		return err
	}
	r, err := readRequest(ctx, d.root, job)
	if err != nil {
		return err
	}
	place := jobStore(d.root, job)
	rounds, err := chunks.Rounds(ctx, place)
	if err != nil {
		return err
	}
	done, err := d.finished(ctx, job, len(rounds))
	if err != nil {
		return err
	}
	if done == nil {
		return &undoneError{job, d.command("resume", job)}
	}
	if s.none(done) {
		d.Say("no row of the job %s ended so: nobody is called again", job)
		return d.conclude(ctx, job, len(rounds), done, &s.waiting)
	}
	if err := d.free(ctx, r.Quota, job); err != nil {
		return err
	}
	m, err := chunks.Open(ctx, place)
	if err != nil {
		return err
	}
	if _, err := chunks.StartRound(ctx, place, m, s.round()); err != nil {
		return err
	}
	return d.takeUp(ctx, job, r, &s.waiting)
}
