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

	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
)

// How far the job is that has a quota, as Temporal tells it: of the workflow that
// has the quota, and of the job's own, which is its only child. A job that began
// before there were two is in one.

// queryTime is how long a workflow has to say how far it is: there may be no
// worker to ask it.
const queryTime = 3 * time.Second

// execution is the job that has a quota, and how far it is.
type execution struct {
	job     string
	run     string // of the workflow
	round   int
	state   *roundState // nil when no worker could tell
	rows    int64       // of the parts under way
	parts   int         // under way
	heard   time.Time   // when a worker was heard of last
	waiting string      // why a part is tried again; empty for none

	paused map[measure.State]int // parts under way, by why they send next to nothing
}

// of reports whether it is this round of this job.
func (e *execution) of(job string, round int) bool { return e.job == job && e.round == round }

// String says it in a line.
func (e *execution) String() string {
	if e.state == nil {
		return fmt.Sprintf("the job %s%s is under way; no worker answers how far it is", e.job, ofRound(e.round))
	}
	text := e.job + ofRound(e.round) + ": " + strings.Join(e.counts(), ", ")
	if doing := e.doing(); len(doing) > 0 {
		text += "; " + strings.Join(doing, "; ")
	}
	return text
}

// counts are the phase, and what of it is done.
func (e *execution) counts() []string {
	parts := []string{e.state.Phase}
	if n := e.state.Layout.Chunks; n > 0 {
		rows, of := e.done()
		parts = append(parts, fmt.Sprintf("%d of %d chunks", e.state.Done, n), fmt.Sprintf("%d of %d rows", rows, of))
	}
	if e.parts > 0 {
		parts = append(parts, cli.Counted(e.parts, "part")+" under way")
	}
	return parts
}

// doing is what keeps parts from being done.
func (e *execution) doing() []string {
	var parts []string
	if n := e.paused[measure.Held]; n > 0 {
		parts = append(parts, cli.Counted(n, "part")+" paused after 429")
	}
	if n := e.paused[measure.Outage]; n > 0 {
		parts = append(parts, "the service is unavailable to "+cli.Counted(n, "part"))
	}
	if e.waiting != "" {
		parts = append(parts, e.waiting)
	}
	return parts
}

// done is how many rows are answered or, once all are, merged, and how many the
// list has: 0 while that is not known.
func (e *execution) done() (rows, of int64) {
	if e.state == nil {
		return 0, 0
	}
	of = e.state.Layout.Rows
	if e.state.Phase == merging {
		return min(e.rows, of), of
	}
	return min(e.state.Rows+e.rows, of), of
}

// look finds out how far the job is that has a quota; nil when none has it.
func (j *jobClient) look(ctx context.Context, quota string) (*execution, error) {
	id := workflowOf(quota)
	described, err := j.server.DescribeWorkflow(ctx, id, "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return nil, nil //nolint:nilnil // the quota is free
	}
	if err != nil {
		return nil, &unreachableError{j.flags.address, err}
	}
	got := described.RawResponse
	info := got.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, nil //nolint:nilnil // it was free before
	}
	e := &execution{run: info.GetExecution().GetRunId()}
	e.job, e.round = memoOf(info)
	// There is one, or none.
	for _, child := range got.GetPendingChildren() {
		id = child.GetWorkflowId()
		described, err = j.server.DescribeWorkflow(ctx, id, "")
		if errors.As(err, &none) {
			return e, nil // it is about to start
		}
		if err != nil {
			return nil, &unreachableError{j.flags.address, err}
		}
		got = described.RawResponse
	}
	for _, a := range got.GetPendingActivities() {
		e.see(a)
	}
	asking, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	var c roundState
	if v, err := j.server.QueryWorkflow(asking, id, "", progressName); err == nil && v.Get(&c) == nil {
		e.state = &c
	}
	return e, nil
}

// see takes in a part.
func (e *execution) see(a *workflowpb.PendingActivityInfo) {
	if a.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED {
		if f := a.GetLastFailure(); f != nil {
			e.waiting = fmt.Sprintf("%s is tried again (%d times so far, the last by the worker %s): %s",
				a.GetActivityType().GetName(), a.GetAttempt()-1, a.GetLastWorkerIdentity(), strings.TrimSpace(f.GetMessage()))
		}
		return
	}
	e.parts++
	d := detailsOf(a)
	e.rows += d.Rows
	if s := measure.State(d.State); s == measure.Held || s == measure.Outage {
		if e.paused == nil {
			e.paused = map[measure.State]int{}
		}
		e.paused[s]++
	}
	if at := a.GetLastHeartbeatTime().AsTime(); at.After(e.heard) {
		e.heard = at
	}
}

// memoOf reads which job and round a workflow is of.
func memoOf(info *workflowpb.WorkflowExecutionInfo) (job string, round int) {
	fields := info.GetMemo().GetFields()
	from := converter.GetDefaultDataConverter()
	// A memo that cannot be read is of no job of this program.
	_ = from.FromPayload(fields[memoJob], &job)
	_ = from.FromPayload(fields[memoRound], &round)
	return job, round
}
