package main

import (
	"context"

	"github.com/spf13/cobra"
)

func cancelCommand() *cobra.Command {
	var f clientFlags
	c := &cobra.Command{
		Use:   "cancel JOB --store STORE",
		Short: "Stop a job; what is done is kept",
		Long: `cancel tells the workers to stop a job: the calls in flight come back, and what
they brought is kept. It takes up to a few heartbeats. resume resumes it.
The job of a schedule that waits for its quota does not begin.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, j *jobClient) error { return j.cancel(ctx, args[0]) })
		},
	}
	c.Flags().SortFlags = false
	f.register(c)
	return c
}

// cancel stops a job, if it is under way or waits to be.
func (j *jobClient) cancel(ctx context.Context, job string) error {
	r, err := readRequest(ctx, j.root, job)
	if err != nil {
		return err
	}
	running, err := j.look(ctx, r.Quota)
	if err != nil {
		return err
	}
	if running == nil || running.job != job {
		return j.callOff(ctx, job)
	}
	if err := j.server.CancelWorkflow(ctx, workflowOf(r.Quota), running.run); err != nil {
		return &unreachableError{j.flags.address, err}
	}
	j.Say("the job %s is told to stop: %s\nresume it: %s", job, running, j.command("resume", job))
	return j.sayWorkers(ctx)
}
