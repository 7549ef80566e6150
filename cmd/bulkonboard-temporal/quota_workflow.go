package main

import (
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The workflow that has a quota for a job, and the ids by which both are found.

// workflowOf is the workflow that has a quota for a job. One id for all jobs: the
// server lets no second one begin.
func workflowOf(quota string) string { return "bulkonboard-" + quota }

// jobWorkflowOf is the workflow of the job itself. No quota and no job has a slash
// in its name.
func jobWorkflowOf(holder, job string) string { return holder + "/" + job }

// holdPoll is how often a job whose workflow is still there, from a holder that
// was terminated, is tried again.
const holdPoll = time.Second

// hold has a quota while the job's own workflow runs, so that its id can have the
// name of the job, too. Where it is terminated, so is that.
func hold(ctx workflow.Context, c roundState) (roundState, error) {
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: jobWorkflowOf(workflow.GetInfo(ctx).WorkflowExecution.ID, c.Job), WaitForCancellation: true, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_TERMINATE,
		Memo: map[string]any{memoJob: c.Job, memoRound: c.Round}, StaticSummary: "job " + c.Job + ofRound(c.Round),
	})
	for {
		err := workflow.ExecuteChildWorkflow(child, onboardName, c).Get(ctx, &c)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return c, ending(ctx, err)
		}
		if err := workflow.Sleep(ctx, holdPoll); err != nil {
			return c, err
		}
	}
}

// workflows are all that a worker knows, by the names that histories have.
func workflows() map[string]any {
	return map[string]any{onboardName: onboard, scheduledName: scheduled, holdName: hold}
}

// registerWorkflows tells a worker of them.
func registerWorkflows(w worker.WorkflowRegistry) {
	for name, does := range workflows() {
		w.RegisterWorkflowWithOptions(does, workflow.RegisterOptions{Name: name})
	}
}
