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
	"go.temporal.io/sdk/converter"
)

// queryTime is how long a workflow has to say how far it is: there may be no
// worker to ask it.
const queryTime = 3 * time.Second

// whereabouts are how far the job is that has a quota.
type whereabouts struct {
	job     string
	round   int
	course  *course // nil when no worker could tell
	rows    int64   // of the parts under way
	parts   int     // under way
	waiting string  // why a part is tried again; empty for none
}

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
	got, err := d.server.DescribeWorkflowExecution(ctx, id, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, nil //nolint:nilnil // the quota is free
	}
	if err != nil {
		return nil, &unreachableError{d.flags.address, err}
	}
	info := got.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, nil //nolint:nilnil // it was free before
	}
	w := &whereabouts{}
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
	if a.GetState() != enums.PENDING_ACTIVITY_STATE_STARTED {
		if f := a.GetLastFailure(); f != nil {
			w.waiting = fmt.Sprintf("%s is tried again (%d times so far): %s", a.GetActivityType().GetName(), a.GetAttempt()-1, strings.TrimSpace(f.GetMessage()))
		}
		return
	}
	w.parts++
	var b beat
	if a.GetHeartbeatDetails() != nil && converter.GetDefaultDataConverter().FromPayloads(a.GetHeartbeatDetails(), &b) == nil {
		w.rows += b.Rows
	}
}
