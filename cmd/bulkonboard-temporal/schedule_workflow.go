package main

import (
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The workflow that a schedule starts each time it is due.

// schedulePoll is how often a scheduled run looks whether its list is there, and then
// whether its quota is free.
const schedulePoll = 2 * time.Minute

// scheduledStart is when a workflow of a schedule was due.
var scheduledStart = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// scheduled is one time that a schedule comes round: it makes the job of that time,
// and waits for it. While another job has the quota, it waits for that first.
func scheduled(ctx workflow.Context, d due) (roundState, error) {
	version := workflow.GetVersion(ctx, "night", workflow.DefaultVersion, 3)
	if d.At.IsZero() {
		d.At = workflow.Now(ctx)
		if at, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(scheduledStart); ok {
			d.At = at
		}
	}
	p, err := d.made(ctx, version >= 2)
	if err != nil {
		return roundState{}, err
	}
	for {
		c, err := p.run(ctx, version >= 3)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return c, err
		}
		if long(ctx) {
			return roundState{}, workflow.NewContinueAsNewError(ctx, scheduledName, d)
		}
		if err := workflow.Sleep(ctx, schedulePoll); err != nil {
			return roundState{}, err
		}
	}
}

// made makes the job of that time, and waits for its list if that is late. The
// memo is for those who ask about the job before it begins. A list that does not
// come is the job's own trouble, where everybody looks for it.
func (d due) made(ctx workflow.Context, memo bool) (prepared, error) {
	making := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: prepareTime, RetryPolicy: untilDone(0).RetryPolicy,
	})
	for began := workflow.Now(ctx); ; {
		var p prepared
		if err := workflow.ExecuteActivity(making, prepareName, d).Get(ctx, &p); err != nil {
			return p, ending(ctx, err)
		}
		if memo {
			if err := workflow.UpsertMemo(ctx, map[string]any{memoJob: p.State.Job, memoRound: p.State.Round}); err != nil {
				return p, err
			}
			memo = false
		}
		if !p.Late || workflow.Now(ctx).Sub(began) >= p.Patience {
			return p, nil
		}
		if err := workflow.Sleep(ctx, schedulePoll); err != nil {
			return p, err
		}
	}
}

// run runs the job, unless another has the quota. Before it was held by a workflow
// of its own, the job's had it.
func (p *prepared) run(ctx workflow.Context, held bool) (c roundState, err error) {
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: workflowOf(p.Quota), WaitForCancellation: true, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		Memo: map[string]any{memoJob: p.State.Job, memoRound: p.State.Round}, StaticSummary: "job " + p.State.Job + ofRound(p.State.Round),
	})
	name := onboardName
	if held {
		name = holdName
	}
	err = workflow.ExecuteChildWorkflow(child, name, p.State).Get(ctx, &c)
	return c, err
}

// prepareTime is more than making a job takes.
const prepareTime = time.Minute
