package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/cmd/internal/cli"
)

func TestTheWorkflowOfAJobHasItsQuotaAndItsNameInItsID(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", listOf(3))
	env := s.scheduleEnv()
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflowOf("quota")})
	var id string
	env.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
		id = info.WorkflowExecution.ID
	})
	env.ExecuteWorkflow(holdName, r.begin("night", 1))
	require.NoError(t, env.GetWorkflowError())
	var c roundState
	require.NoError(t, env.GetWorkflowResult(&c))
	assert.Equal(t, total{Rows: 3}, c.Total)
	assert.Equal(t, "bulkonboard-quota/night", id)
}

func TestWhyAJobEndedIsHandedOnByTheWorkflowThatHasItsQuota(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", "no,such,columns\n1,2,3\n")
	env := s.scheduleEnv()
	env.ExecuteWorkflow(holdName, r.begin("night", 1))
	assert.Equal(t, cli.BadList.Name, kindOf(t, env.GetWorkflowError()))

	env = s.scheduleEnv()
	env.RegisterDelayedCallback(env.CancelWorkflow, 0)
	env.ExecuteWorkflow(holdName, s.submit("other", listOf(3)).begin("other", 1))
	assert.True(t, temporal.IsCanceledError(env.GetWorkflowError()))
}

func TestAJobWaitsForItsOwnWorkflowFromAHolderThatWasTerminated(t *testing.T) {
	s := newSite(t)
	r := s.submit("night", listOf(3))
	env := s.scheduleEnv()
	left := func(ctx workflow.Context) error { return workflow.Sleep(ctx, 5*holdPoll/2) }
	env.RegisterWorkflowWithOptions(left, workflow.RegisterOptions{Name: "left"})
	both := func(ctx workflow.Context, c roundState) (time.Duration, error) {
		began := workflow.Now(ctx)
		id := jobWorkflowOf(workflow.GetInfo(ctx).WorkflowExecution.ID, c.Job)
		first := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id}), "left")
		if err := first.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return 0, err
		}
		_, err := hold(ctx, c)
		return workflow.Now(ctx).Sub(began), err
	}
	env.RegisterWorkflowWithOptions(both, workflow.RegisterOptions{Name: "both"})
	env.ExecuteWorkflow("both", r.begin("night", 1))
	require.NoError(t, env.GetWorkflowError())
	var waited time.Duration
	require.NoError(t, env.GetWorkflowResult(&waited))
	assert.GreaterOrEqual(t, waited, 3*holdPoll)
	assert.Len(t, s.calls, 3)
}
