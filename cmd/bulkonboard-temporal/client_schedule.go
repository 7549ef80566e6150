package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/source"
)

// What a schedule has under way, as clients ask about it.

// scheduledRun finds the workflow of a schedule that has made a job and is under
// way; the job may not have begun. It is nil for none.
func (j *jobClient) scheduledRun(ctx context.Context, job string) (*workflowpb.WorkflowExecutionInfo, error) {
	got, err := j.server.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: listed, Query: "WorkflowType = '" + scheduledName + "' AND ExecutionStatus = 'Running'",
	})
	if err != nil {
		return nil, &unreachableError{j.flags.address, err}
	}
	for _, info := range got.GetExecutions() {
		if made, _ := memoOf(info); made == job {
			return info, nil
		}
	}
	return nil, nil //nolint:nilnil // most jobs are of no schedule
}

// waits says what the job of a schedule waits for; empty when no
// schedule has it under way. Running is what has its quota, if anything has.
func (j *jobClient) waits(ctx context.Context, job string, r *request, running *execution) (string, error) {
	run, err := j.scheduledRun(ctx, job)
	if run == nil || err != nil {
		return "", err
	}
	what := "it begins in some minutes"
	list, err := r.open(ctx, j.root)
	switch {
	case errors.As(err, new(*source.ListError)):
		what = "it waits for its list, " + r.Input.Object
	case err != nil:
		return "", err
	default:
		_ = list.Close() // that it is there was to be known
	}
	if err == nil && running != nil {
		what = fmt.Sprintf("it waits for the quota %s, which %s%s has", r.Quota, running.job, ofRound(running.round))
	}
	return what + "; keep it from beginning: " + j.command("cancel", job), nil
}

// callOff keeps the job of a schedule from beginning.
func (j *jobClient) callOff(ctx context.Context, job string) error {
	waiting, err := j.scheduledRun(ctx, job)
	if err != nil {
		return err
	}
	if waiting == nil {
		j.Say("the job %s is not under way", job)
		return nil
	}
	run := waiting.GetExecution()
	if err := j.server.CancelWorkflow(ctx, run.GetWorkflowId(), run.GetRunId()); err != nil {
		return &unreachableError{j.flags.address, err}
	}
	j.Say("the job %s will not begin by itself\nhave it run: %s", job, j.command("resume", job))
	return j.sayWorkers(ctx)
}

// scheduledIDs begin the ids of what schedules start; the server adds when each
// was due.
const scheduledIDs = "bulkonboard-schedule-"

// seen is a job, or a run of a schedule without one, and what has become of it.
func (j *jobClient) seen(ctx context.Context, info *workflowpb.WorkflowExecutionInfo) (name, state string) {
	job, round := memoOf(info)
	name, state = job+ofRound(round), strings.ToLower(info.GetStatus().String())
	if info.GetType().GetName() != scheduledName {
		return name, state
	}
	if job == "" {
		name = strings.TrimPrefix(info.GetExecution().GetWorkflowId(), scheduledIDs)
	}
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		state = "waiting"
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		run := info.GetExecution()
		err := j.server.GetWorkflow(ctx, run.GetWorkflowId(), run.GetRunId()).Get(ctx, nil)
		if failed := (*temporal.ApplicationError)(nil); errors.As(err, &failed) {
			state += ": " + textOf(kindNamed(failed.Type()))
		}
	}
	return name, state
}

// schedule is one of this program, and how it went.
type schedule struct {
	name  string
	entry *client.ScheduleListEntry
	info  client.ScheduleInfo
}

// schedules are those of this program.
func (j *jobClient) schedules(ctx context.Context) ([]schedule, error) {
	listed, err := j.server.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, &unreachableError{j.flags.address, err}
	}
	var all []schedule
	for listed.HasNext() {
		entry, err := listed.Next()
		if err != nil {
			return nil, &unreachableError{j.flags.address, err}
		}
		name, ours := strings.CutPrefix(entry.ID, schedulePrefix)
		if !ours || entry.WorkflowType.Name != scheduledName {
			continue
		}
		described, err := j.server.ScheduleClient().GetHandle(ctx, entry.ID).Describe(ctx)
		if errors.As(err, new(*serviceerror.NotFound)) {
			continue // it has been deleted meanwhile
		}
		if err != nil {
			return nil, &unreachableError{j.flags.address, err}
		}
		all = append(all, schedule{name, entry, described.Info})
	}
	return all, nil
}

// next is when the schedule is due next.
func (s *schedule) next() string {
	switch {
	case s.entry.Paused:
		return "paused"
	case len(s.entry.NextActionTimes) > 0:
		return s.entry.NextActionTimes[0].Format(time.RFC3339)
	}
	return "never"
}

// skipped says how often the schedule was due and began no job, and why; empty
// when it always did.
func (s *schedule) skipped() string {
	var parts []string
	if n := s.info.NumActionsSkippedOverlap; n > 0 {
		parts = append(parts, fmt.Sprintf("%d × because two jobs before were not done", n))
	}
	if n := s.info.NumActionsMissedCatchupWindow; n > 0 {
		parts = append(parts, fmt.Sprintf("%d × because the Temporal server was away for longer than --catch-up", n))
	}
	return strings.Join(parts, ", ")
}

// saySkipped says which schedules were due and began no job.
func (j *jobClient) saySkipped(ctx context.Context) error {
	all, err := j.schedules(ctx)
	for _, s := range all {
		if skipped := s.skipped(); skipped != "" {
			j.Say("the schedule %s was due and began no job: %s", s.name, skipped)
		}
	}
	return err
}
