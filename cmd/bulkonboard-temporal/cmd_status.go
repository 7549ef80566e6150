package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"bulkonboard/batch/chunks"
)

func statusCommand() *cobra.Command {
	var f deskFlags
	c := &cobra.Command{
		Use:   "status [JOB] --store STORE",
		Short: "Say how far a job is, or which jobs there are",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, func(ctx context.Context, d *desk) error {
				if len(args) == 0 {
					return d.list(ctx, c.OutOrStdout())
				}
				text, err := d.status(ctx, args[0])
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
func (d *desk) status(ctx context.Context, job string) (string, error) {
	r, err := readRequest(ctx, d.root, job)
	if err != nil {
		return "", err
	}
	at, err := d.look(ctx, r.Quota)
	if err != nil {
		return "", err
	}
	if at != nil && at.job == job {
		return at.String(), d.sayWorkersFor(ctx, r)
	}
	rounds, err := chunks.Rounds(ctx, jobStore(d.root, job))
	if err != nil {
		return "", err
	}
	round := len(rounds)
	done, err := d.finished(ctx, job, round)
	if err != nil {
		return "", err
	}
	if done != nil {
		return fmt.Sprintf("%s%s: done, %s; copy the results with: %s --output RESULTS", job, ofRound(round), countsOf(done), d.command("resume", job)), nil
	}
	why, err := d.waits(ctx, job, r, at)
	if why == "" && err == nil {
		why, err = d.lastEnd(ctx, job, r.Quota, round)
	}
	if why == "" && err == nil {
		why, err = d.lastTrouble(ctx, job, round)
	}
	return job + ofRound(round) + ": " + why, err
}

// lastEnd says why a job ended that is not done, if the last that had the quota
// was this one.
func (d *desk) lastEnd(ctx context.Context, job, quota string, round int) (string, error) {
	got, err := d.server.DescribeWorkflow(ctx, workflowOf(quota), "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return "", nil
	}
	if err != nil {
		return "", &unreachableError{d.flags.address, err}
	}
	info := got.RawResponse.GetWorkflowExecutionInfo()
	if of, n := memoOf(info); of != job || n != round || info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return "", nil
	}
	if err := d.server.GetWorkflow(ctx, workflowOf(quota), info.GetExecution().GetRunId()).Get(ctx, nil); err != nil {
		return d.stopped(ctx, job, round, err).Error(), nil
	}
	return "", nil
}

// lastTrouble says how a job stopped that Temporal knows nothing of, such as when
// another has had the quota since.
func (d *desk) lastTrouble(ctx context.Context, job string, round int) (string, error) {
	next := "go on with it: " + d.command("resume", job)
	t, err := d.trouble(ctx, job, round)
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
func (d *desk) list(ctx context.Context, stdout io.Writer) error {
	got, err := d.server.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: listed, Query: "WorkflowType = '" + onboardName + "' OR WorkflowType = '" + nightName + "'",
	})
	if err != nil {
		return &unreachableError{d.flags.address, err}
	}
	seen := map[string]bool{}
	for _, info := range got.GetExecutions() {
		// A job begins after its night, and comes first.
		if name, state := d.seen(ctx, info); !seen[name] {
			seen[name] = true
			fmt.Fprintf(stdout, "%s\t%s\t%s\n", name, info.GetStartTime().AsTime().Format(time.RFC3339), state)
		}
	}
	if len(seen) == 0 {
		d.Say("the Temporal server knows of no job")
	}
	return d.sayWorkers(ctx)
}

// queryTime is how long a workflow has to say how far it is: there may be no
// worker to ask it.
const queryTime = 3 * time.Second

// whereabouts are how far the job is that has a quota.
type whereabouts struct {
	job     string
	run     string // of the workflow
	round   int
	course  *course // nil when no worker could tell
	rows    int64   // of the parts under way
	parts   int     // under way
	waiting string  // why a part is tried again; empty for none
}

// of reports whether it is this round of this job.
func (w *whereabouts) of(job string, round int) bool { return w.job == job && w.round == round }

// String says it in a line.
func (w *whereabouts) String() string {
	if w.course == nil {
		return fmt.Sprintf("the job %s%s is under way; no worker answers how far it is", w.job, ofRound(w.round))
	}
	c := w.course
	text := fmt.Sprintf("%s%s: %s", w.job, ofRound(w.round), c.Phase)
	if c.Layout.Chunks > 0 {
		text += fmt.Sprintf(", %d of %d chunks, %d of %d rows", c.Done, c.Layout.Chunks, min(c.Rows+w.rows, c.Layout.Rows), c.Layout.Rows)
	}
	if w.parts > 0 {
		text += fmt.Sprintf(", %d parts under way", w.parts)
	}
	if w.waiting != "" {
		text += "; " + w.waiting
	}
	return text
}

// look finds out how far the job is that has a quota; nil when none has it.
func (d *desk) look(ctx context.Context, quota string) (*whereabouts, error) {
	id := workflowOf(quota)
	described, err := d.server.DescribeWorkflow(ctx, id, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, nil //nolint:nilnil // the quota is free
	}
	if err != nil {
		return nil, &unreachableError{d.flags.address, err}
	}
	got := described.RawResponse
	info := got.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, nil //nolint:nilnil // it was free before
	}
	w := &whereabouts{run: info.GetExecution().GetRunId()}
	w.job, w.round = memoOf(info)
	for _, a := range got.GetPendingActivities() {
		w.see(a)
	}
	asking, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	var c course
	if v, err := d.server.QueryWorkflow(asking, id, "", progressName); err == nil && v.Get(&c) == nil {
		w.course = &c
	}
	return w, nil
}

// memoOf reads which job and round a workflow is of.
func memoOf(info *workflowpb.WorkflowExecutionInfo) (job string, round int) {
	fields := info.GetMemo().GetFields()
	from := converter.GetDefaultDataConverter()
	// What cannot be read is of nobody that this program knows.
	_ = from.FromPayload(fields[memoJob], &job)
	_ = from.FromPayload(fields[memoRound], &round)
	return job, round
}

// see takes in a part.
func (w *whereabouts) see(a *workflowpb.PendingActivityInfo) {
	if a.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED {
		if f := a.GetLastFailure(); f != nil {
			w.waiting = fmt.Sprintf("%s is tried again (%d times so far, the last by the worker %s): %s",
				a.GetActivityType().GetName(), a.GetAttempt()-1, a.GetLastWorkerIdentity(), strings.TrimSpace(f.GetMessage()))
		}
		return
	}
	w.parts++
	var b beat
	if a.GetHeartbeatDetails() != nil && converter.GetDefaultDataConverter().FromPayloads(a.GetHeartbeatDetails(), &b) == nil {
		w.rows += b.Rows
	}
}
