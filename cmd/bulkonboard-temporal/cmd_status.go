package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"bulkonboard/batch/chunks"
)

func statusCommand() *cobra.Command {
	var f clientFlags
	c := &cobra.Command{
		Use:   "status [JOB] --store STORE",
		Short: "Say how far a job is, or which jobs there are",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, j *jobClient) error {
				if len(args) == 0 {
					return j.list(ctx, c.OutOrStdout())
				}
				text, err := j.status(ctx, args[0])
				if err == nil {
					fmt.Fprintln(c.OutOrStdout(), text)
				}
				return err
			})
		},
	}
	c.Flags().SortFlags = false
	f.register(c)
	return c
}

// status says how far a job is.
func (j *jobClient) status(ctx context.Context, job string) (string, error) {
	r, err := readRequest(ctx, j.root, job)
	if err != nil {
		return "", err
	}
	running, err := j.look(ctx, r.Quota)
	if err != nil {
		return "", err
	}
	if running != nil && running.job == job {
		text := running.String()
		if running.state == nil && time.Since(running.heard) > r.Heartbeat {
			text += ": if there is none, nothing is done until one is started"
		}
		return text, j.sayWorkersFor(ctx, job, r)
	}
	rounds, err := chunks.Rounds(ctx, jobStore(j.root, job))
	if err != nil {
		return "", err
	}
	round := len(rounds)
	done, err := j.finished(ctx, job, round)
	if err != nil {
		return "", err
	}
	if done != nil {
		return fmt.Sprintf("%s%s: done, %s; copy the results with: %s --output RESULTS", job, ofRound(round), countsOf(done), j.command("resume", job)), nil
	}
	why, err := j.waits(ctx, job, r, running)
	if why == "" && err == nil {
		why, err = j.lastEnd(ctx, job, r.Quota, round)
	}
	if why == "" && err == nil {
		why, err = j.lastTrouble(ctx, job, round)
	}
	return job + ofRound(round) + ": " + why, err
}

// lastEnd says why a job ended that is not done, if the last that had the quota
// was this one.
func (j *jobClient) lastEnd(ctx context.Context, job, quota string, round int) (string, error) {
	got, err := j.server.DescribeWorkflow(ctx, workflowOf(quota), "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return "", nil
	}
	if err != nil {
		return "", &unreachableError{j.flags.address, err}
	}
	info := got.RawResponse.GetWorkflowExecutionInfo()
	if of, n := memoOf(info); of != job || n != round || info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return "", nil
	}
	if err := j.server.GetWorkflow(ctx, workflowOf(quota), info.GetExecution().GetRunId()).Get(ctx, nil); err != nil {
		return j.stopped(ctx, job, round, err).Error(), nil
	}
	return "", nil
}

// lastTrouble says how a job stopped that Temporal knows nothing of, such as when
// another has had the quota since.
func (j *jobClient) lastTrouble(ctx context.Context, job string, round int) (string, error) {
	next := "resume it: " + j.command("resume", job)
	t, err := j.lastReport(ctx, job, round)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it is not under way; " + next, nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("it is not under way; at %s it failed: %s\n%s", t.At.Format(time.RFC3339), t.Reason, next), nil
}

// listed is how many jobs are listed at most.
const listed = 50

// list lists the jobs that the server remembers, the newest first.
func (j *jobClient) list(ctx context.Context, stdout io.Writer) error {
	got, err := j.server.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: listed, Query: "WorkflowType = '" + onboardName + "' OR WorkflowType = '" + scheduledName + "'",
	})
	if err != nil {
		return &unreachableError{j.flags.address, err}
	}
	seen := map[string]bool{}
	for _, info := range got.GetExecutions() {
		// A job begins after the run of its schedule, and comes first.
		if name, state := j.seen(ctx, info); !seen[name] {
			seen[name] = true
			fmt.Fprintf(stdout, "%s\t%s\t%s\n", name, info.GetStartTime().AsTime().Format(time.RFC3339), state)
		}
	}
	if len(seen) == 0 {
		j.Say("the Temporal server knows of no job")
	}
	if err := j.saySkipped(ctx); err != nil {
		return err
	}
	return j.sayWorkers(ctx)
}
