package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/source"
)

// nightOf finds the night under way that has made a job, which may not have
// begun; nil for none.
func (d *desk) nightOf(ctx context.Context, job string) (*workflowpb.WorkflowExecutionInfo, error) {
	got, err := d.server.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: listed, Query: "WorkflowType = '" + nightName + "' AND ExecutionStatus = 'Running'",
	})
	if err != nil {
		return nil, &unreachableError{d.flags.address, err}
	}
	for _, info := range got.GetExecutions() {
		if made, _ := memoOf(info); made == job {
			return info, nil
		}
	}
	return nil, nil //nolint:nilnil // most jobs are of no schedule
}

// waits says what the job of a schedule waits for; empty when no night is at it.
// At is what has its quota, if anything has.
func (d *desk) waits(ctx context.Context, job string, r *request, at *whereabouts) (string, error) {
	night, err := d.nightOf(ctx, job)
	if night == nil || err != nil {
		return "", err
	}
	what := "it begins in some minutes"
	list, err := r.open(ctx, d.root)
	switch {
	case errors.As(err, new(*source.ListError)):
		what = "it waits for its list, " + r.Input.Object
	case err != nil:
		return "", err
	default:
		_ = list.Close() // that it is there was to be known
	}
	if err == nil && at != nil {
		what = fmt.Sprintf("it waits for the quota %s, which %s%s has", r.Quota, at.job, ofRound(at.round))
	}
	return what + "; keep it from beginning: " + d.command("cancel", job), nil
}

// callOff keeps the job of a schedule from beginning.
func (d *desk) callOff(ctx context.Context, job string) error {
	night, err := d.nightOf(ctx, job)
	if err != nil {
		return err
	}
	if night == nil {
		d.Say("the job %s is not under way", job)
		return nil
	}
	run := night.GetExecution()
	if err := d.server.CancelWorkflow(ctx, run.GetWorkflowId(), run.GetRunId()); err != nil {
		return &unreachableError{d.flags.address, err}
	}
	d.Say("the job %s will not begin by itself\nhave it run: %s", job, d.command("resume", job))
	return d.sayWorkers(ctx)
}

// nightIDs are how the workflows of nights are called, and the server adds when
// each was due.
const nightIDs = "bulkonboard-schedule-"

// seen is a job, or a night without one, and what has become of it.
func (d *desk) seen(ctx context.Context, info *workflowpb.WorkflowExecutionInfo) (name, state string) {
	job, round := memoOf(info)
	name, state = job+ofRound(round), strings.ToLower(info.GetStatus().String())
	if info.GetType().GetName() != nightName {
		return name, state
	}
	if job == "" {
		name = strings.TrimPrefix(info.GetExecution().GetWorkflowId(), nightIDs)
	}
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		state = "waiting"
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		run := info.GetExecution()
		err := d.server.GetWorkflow(ctx, run.GetWorkflowId(), run.GetRunId()).Get(ctx, nil)
		if failed := (*temporal.ApplicationError)(nil); errors.As(err, &failed) {
			state += ": " + textOf(kindNamed(failed.Type()))
		}
	}
	return name, state
}
