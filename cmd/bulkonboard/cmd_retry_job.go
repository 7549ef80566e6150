package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"bulkonboard/batch/chunks"
	"bulkonboard/cmd/internal/cli"
)

// jobRetry is the flags of retry-job.
type jobRetry struct {
	folder jobFolder
	rows   cli.RowFlags
}

func retryJobCommand() *cobra.Command {
	var a jobRetry
	c := &cobra.Command{
		Use:   "retry-job --job FOLDER",
		Short: "Start another round of a job, for the rows that need attention",
		Long: `retry-job begins another round of a job that plan has made and whose chunks have all
been sent. In it, run-chunk calls again for the rows that were rejected or failed,
or for those of them that are selected, and for no others; and merge takes the
newest result of each row. It prints the number of the round.

To correct rows first, use bulkonboard fixes with the merged results.`,
		Example: `  bulkonboard retry-job --job /mnt/shared/tonight`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, a.check); err != nil {
				return err
			}
			s, m, err := a.folder.open(c.Context())
			if err != nil {
				return err
			}
			n, err := chunks.StartRound(c.Context(), s, m, a.rows.Selection())
			if err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "round %d of job %s; next: %s --index N, with N from 0 to %d\n", n, m.Run, a.folder.command("run-chunk"), len(m.Chunks)-1)
			fmt.Fprintln(c.OutOrStdout(), n)
			return nil
		},
	}
	c.Flags().SortFlags = false
	a.folder.register(c, "folder of the job")
	a.rows.RegisterRetry(c)
	cli.TypedOnly(c, "only", "error-code")
	cli.TakesConfig(c, jobFamily)
	return c
}

func (a *jobRetry) check() error {
	var p cli.Problems
	a.folder.check(&p)
	a.rows.Check(&p)
	return p.Err()
}
