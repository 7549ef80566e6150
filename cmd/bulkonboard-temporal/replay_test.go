package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Histories of the real server, as "temporal workflow show --output json" gives
// them. A job that is under way while workers are replaced by a newer version
// has such a one, and must continue. Never record them again to make a test pass:
// ask workflow.GetVersion instead.
const histories = "testdata/history/*.json"

func replay(file string, does any) error {
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(does, workflow.RegisterOptions{Name: onboardName})
	r.RegisterWorkflowWithOptions(scheduled, workflow.RegisterOptions{Name: scheduledName})
	r.RegisterWorkflowWithOptions(hold, workflow.RegisterOptions{Name: holdName})
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		return err
	}
	// A holder's id is a part of its child's.
	return r.ReplayWorkflowHistoryWithOptions(quietLogger{}, history, worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: workflowOf("quota")}})
}

func TestJobsUnderWayGoOnWithThisVersion(t *testing.T) {
	files, err := filepath.Glob(histories)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		assert.NoError(t, replay(file, onboard), file)
	}
}

func TestAWorkflowThatDoesOtherThingsIsFoundOut(t *testing.T) {
	careless := func(ctx workflow.Context, c roundState) (roundState, error) {
		ctx = workflow.WithActivityOptions(ctx, untilDone(c.Heartbeat))
		err := workflow.ExecuteActivity(ctx, mergeName, part{}).Get(ctx, &c.Total)
		return c, err
	}
	assert.Error(t, replay("testdata/history/done.json", careless))
}
