package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// another is the flags of again.
type another struct {
	jobFolder
	only, codes []string
}

func againCommand() *cobra.Command {
	var a another
	c := &cobra.Command{
		Use:   "again --job FOLDER",
		Short: "Begin another round of a job, for the rows that did not end well",
		Long: `again begins another round of a job that plan has made and whose chunks have all
been sent. In it, run-chunk calls again for the rows that were rejected or failed,
or for those of them that are selected, and for nobody else; and merge takes the
newest result of each row. It prints the number of the round.

To mend rows first, use bulkonboard retry with the merged results.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, a.check); err != nil {
				return err
			}
			s, m, err := a.open(c.Context())
			if err != nil {
				return err
			}
			n, err := chunks.StartRound(c.Context(), s, m, a.round())
			if err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "round %d of job %s; next: bulkonboard run-chunk %s --index N, with N from 0 to %d\n", n, m.Run, a.flag(), len(m.Chunks)-1)
			fmt.Fprintln(c.OutOrStdout(), n)
			return nil
		},
	}
	c.Flags().SortFlags = false
	a.register(c, "folder of the job")
	c.Flags().StringSliceVar(&a.only, "only", nil, "only rows with one of these statuses: failed,rejected")
	c.Flags().StringSliceVar(&a.codes, "error-code", nil, "only rows with one of these error codes")
	cli.TakesConfig(c, jobFamily)
	cli.TypedOnly(c, "only", "error-code")
	return c
}

// againStatuses are those that a round can call again for.
var againStatuses = []sink.Status{sink.Failed, sink.Rejected}

func (a *another) check() error {
	var p cli.Problems
	a.jobFolder.check(&p)
	for _, status := range a.only {
		if !slices.Contains(againStatuses, sink.Status(status)) {
			p.Add(fmt.Sprintf("--only is %q; it takes failed and rejected", status))
		}
	}
	return p.Err()
}

func (a *another) round() chunks.Round {
	r := chunks.Round{StartedAt: time.Now().UTC(), Statuses: againStatuses, ErrorCodes: a.codes}
	if len(a.only) > 0 {
		r.Statuses = nil
	}
	for _, status := range a.only {
		r.Statuses = append(r.Statuses, sink.Status(status))
	}
	return r
}
