package main

import (
	"context"

	"github.com/spf13/cobra"
)

func resumeCommand() *cobra.Command {
	var f clientFlags
	var w waitFlags
	c := &cobra.Command{
		Use:   "resume JOB --store STORE",
		Short: "Resume a job that has stopped",
		Long: `resume starts a job again that was cancelled or has failed, where it stopped, as
submitting it again would. A job that is done gives its results once more.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, j *jobClient) error {
				if err := w.checkFiles(); err != nil {
					return err
				}
				r, err := readRequest(ctx, j.root, args[0])
				if err != nil {
					return err
				}
				return j.takeUp(ctx, args[0], r, &w)
			}, w.problems)
		},
	}
	c.Flags().SortFlags = false
	w.register(c)
	f.register(c)
	return c
}
