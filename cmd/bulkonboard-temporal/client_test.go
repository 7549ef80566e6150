package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"bulkonboard/cmd/internal/cli"
)

// registry is a Temporal server that knows some workflows and does nothing.
type registry struct {
	client.Client
	known     []*workflowpb.WorkflowExecutionInfo // the newest first
	fails     map[string]cli.Kind                 // how they ended, by id
	away      bool
	busy      int // starts that are refused
	starts    int
	waitedFor []string // runs
	cancelled []string
	children  map[string]string                            // ids, by those of their parents
	parts     map[string][]*workflowpb.PendingActivityInfo // by ids
	schedules
}

func (r *registry) add(typ, id, job string, status enums.WorkflowExecutionStatus) {
	fields := map[string]*commonpb.Payload{}
	for name, value := range map[string]any{memoJob: job, memoRound: 1} {
		fields[name], _ = converter.GetDefaultDataConverter().ToPayload(value)
	}
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: "run-of-" + id}, Type: &commonpb.WorkflowType{Name: typ},
		Status: status, Memo: &commonpb.Memo{Fields: fields},
	}
	if job == "" {
		info.Memo = nil
	}
	r.known = append([]*workflowpb.WorkflowExecutionInfo{info}, r.known...)
}

func (r *registry) ListWorkflow(_ context.Context, q *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	var got []*workflowpb.WorkflowExecutionInfo
	for _, info := range r.known {
		running := info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		if strings.Contains(q.GetQuery(), "'"+info.GetType().GetName()+"'") && (running || !strings.Contains(q.GetQuery(), "'Running'")) {
			got = append(got, info)
		}
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: got}, nil
}

func (r *registry) DescribeWorkflow(_ context.Context, id, _ string) (*client.WorkflowExecutionDescription, error) {
	for _, info := range r.known {
		if info.GetExecution().GetWorkflowId() == id {
			got := &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info, PendingActivities: r.parts[id]}
			if child := r.children[id]; child != "" {
				got.PendingChildren = []*workflowpb.PendingChildExecutionInfo{{WorkflowId: child}}
			}
			return &client.WorkflowExecutionDescription{RawResponse: got}, nil
		}
	}
	return nil, serviceerror.NewNotFound("no " + id)
}

func (r *registry) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	return nil, serviceerror.NewUnavailable("no worker")
}

func (r *registry) CancelWorkflow(_ context.Context, id, _ string) error {
	r.cancelled = append(r.cancelled, id)
	return nil
}

func (r *registry) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{}, nil
}

// schedules are what a server knows of schedules.
type schedules struct {
	client.ScheduleClient
	client.ScheduleHandle
	entries []*client.ScheduleListEntry
	info    map[string]client.ScheduleInfo // by id
	of      string                         // the handle
}

func (r *registry) ScheduleClient() client.ScheduleClient { return r.schedules }

func (s schedules) List(context.Context, client.ScheduleListOptions) (client.ScheduleListIterator, error) {
	return &s, nil
}

func (s *schedules) HasNext() bool { return len(s.entries) > 0 }

func (s *schedules) Next() (*client.ScheduleListEntry, error) {
	e := s.entries[0]
	s.entries = s.entries[1:]
	return e, nil
}

func (s schedules) GetHandle(_ context.Context, id string) client.ScheduleHandle {
	s.of = id
	return s
}

func (s schedules) Describe(context.Context) (*client.ScheduleDescription, error) {
	return &client.ScheduleDescription{Info: s.info[s.of]}, nil
}

func TestATimeThatAScheduleSkippedIsSaid(t *testing.T) {
	s, r := newSite(t), &registry{}
	at := time.Date(2026, 11, 30, 3, 30, 0, 0, time.UTC)
	for _, id := range []string{"bulkonboard-nightly", "bulkonboard-weekly", "another"} {
		r.entries = append(r.entries, &client.ScheduleListEntry{ID: id, WorkflowType: workflow.Type{Name: scheduledName}, NextActionTimes: []time.Time{at}})
	}
	r.info = map[string]client.ScheduleInfo{"bulkonboard-nightly": {NumActionsSkippedOverlap: 2, NumActionsMissedCatchupWindow: 1}}
	j, said := s.client(r)
	var out bytes.Buffer
	require.NoError(t, j.listSchedules(t.Context(), &out))
	const skipped = "2 × because two jobs before were not done, 1 × because the Temporal server was away for longer than --catch-up"
	assert.Equal(t, "nightly\tnext: 2026-11-30T03:30:00Z\tskipped: "+skipped+"\nweekly\tnext: 2026-11-30T03:30:00Z\n", out.String())
	require.NoError(t, j.list(t.Context(), &out))
	assert.Contains(t, said.String(), "the schedule nightly was due and began no job: "+skipped)
	assert.NotContains(t, said.String(), "weekly")
}

// ended is a workflow that has failed.
type ended struct {
	client.WorkflowRun
	kind cli.Kind
}

func (e ended) Get(context.Context, any) error {
	return temporal.NewApplicationError(textOf(e.kind), e.kind.Name)
}

func (e ended) GetRunID() string { return "its-run" }

func (r *registry) GetWorkflow(_ context.Context, id, run string) client.WorkflowRun {
	r.waitedFor = append(r.waitedFor, run)
	if r.away {
		return away{}
	}
	return ended{kind: r.fails[id]}
}

// away is a workflow of a server that does not answer.
type away struct{ client.WorkflowRun }

func (away) Get(context.Context, any) error { return serviceerror.NewUnavailable("no route") }

func (r *registry) ExecuteWorkflow(context.Context, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun, error) {
	if r.starts++; r.starts <= r.busy {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("it is taken", "", "")
	}
	return ended{}, nil
}

// client is a client of the site, and what it says to people.
func (s *site) client(r *registry) (*jobClient, *bytes.Buffer) {
	var said bytes.Buffer
	v := &cli.Voice{People: &said, Told: slog.New(slog.DiscardHandler)}
	flags := &serverFlags{address: client.DefaultHostPort, namespace: client.DefaultNamespace, taskQueue: defaultTaskQueue}
	return &jobClient{root: s.root, server: r, flags: flags, store: "here", Voice: v}, &said
}

const running = enums.WORKFLOW_EXECUTION_STATUS_RUNNING

func TestANightThatWaitsForItsQuotaIsSeenAndCanBeStopped(t *testing.T) {
	s, r := newSite(t), &registry{}
	s.submit("nightly-1", listOf(3))
	s.submit("nightly-2", listOf(3))
	r.add(scheduledName, "bulkonboard-schedule-nightly-2", "nightly-2", running)
	r.add(onboardName, workflowOf("quota"), "big", running)
	j, said := s.client(r)
	text, err := j.status(t.Context(), "nightly-2")
	require.NoError(t, err)
	assert.Contains(t, text, "it waits for the quota quota, which big has")
	text, err = j.status(t.Context(), "nightly-1")
	require.NoError(t, err)
	assert.Contains(t, text, "it is not under way")

	require.NoError(t, j.cancel(t.Context(), "nightly-1"))
	assert.Empty(t, r.cancelled)
	assert.Contains(t, said.String(), "not under way")
	require.NoError(t, j.cancel(t.Context(), "nightly-2"))
	assert.Equal(t, []string{"bulkonboard-schedule-nightly-2"}, r.cancelled)
	assert.Contains(t, said.String(), "will not begin by itself")

	said.Reset()
	s.submit("big", listOf(3))
	require.NoError(t, j.cancel(t.Context(), "big"))
	assert.Equal(t, workflowOf("quota"), r.cancelled[1])
	assert.Contains(t, said.String(), "no worker is at the task queue", "no worker carries it out")
}

func TestTheListOfJobsHasNightsThatFailedOrWait(t *testing.T) {
	const failed = enums.WORKFLOW_EXECUTION_STATUS_FAILED
	s, r := newSite(t), &registry{fails: map[string]cli.Kind{scheduledIDs + "lost-2026": absent}}
	r.add(scheduledName, scheduledIDs+"lost-2026", "", failed)
	r.add(scheduledName, scheduledIDs+"nightly-1", "nightly-1", failed)
	r.add(onboardName, "x", "nightly-1", failed)
	r.add(scheduledName, scheduledIDs+"nightly-2", "nightly-2", running)
	j, _ := s.client(r)
	var out bytes.Buffer
	require.NoError(t, j.list(t.Context(), &out))
	var lines []string
	for line := range strings.Lines(out.String()) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		lines = append(lines, f[0]+" "+f[2])
	}
	assert.Equal(t, []string{"nightly-2 waiting", "nightly-1 failed", "lost-2026 failed: " + textOf(absent)}, lines)
}

func TestWhyAPartIsTriedAgainIsSaidAndByWhom(t *testing.T) {
	e := &execution{job: "night", round: 1, state: &roundState{Phase: calling}}
	a := &workflowpb.PendingActivityInfo{
		ActivityType: &commonpb.ActivityType{Name: runChunkName}, Attempt: 3, LastWorkerIdentity: "host-7",
		State: enums.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED, LastFailure: &failurepb.Failure{Message: textOf(misfit)},
	}
	e.see(a)
	assert.Equal(t, "night: calling, 1 part under way", e.String(), "it is about to stop, whatever went wrong before")
	a.State = enums.PENDING_ACTIVITY_STATE_SCHEDULED
	e.see(a)
	assert.Contains(t, e.String(), "run-chunk is tried again (2 times so far, the last by the worker host-7): "+textOf(misfit))
}

func TestHowFarAJobIsIsAskedOfItsOwnWorkflow(t *testing.T) {
	holder := workflowOf("quota")
	r := &registry{children: map[string]string{holder: holder + "/night"}}
	j, _ := newSite(t).client(r)
	r.add(holdName, holder, "night", running)
	e, err := j.look(t.Context(), "quota")
	require.NoError(t, err)
	assert.Equal(t, []any{"night", "run-of-" + holder, 0}, []any{e.job, e.run, e.parts}, "it is about to start")
	r.add(onboardName, holder+"/night", "night", running)
	r.parts = map[string][]*workflowpb.PendingActivityInfo{holder + "/night": {{State: enums.PENDING_ACTIVITY_STATE_STARTED}}}
	e, err = j.look(t.Context(), "quota")
	require.NoError(t, err)
	assert.Equal(t, []any{"night", "run-of-" + holder, 1}, []any{e.job, e.run, e.parts})
}

func TestAQuotaWhoseHolderHasJustEndedIsTaken(t *testing.T) {
	s, r := newSite(t), &registry{busy: 1, fails: map[string]cli.Kind{workflowOf("quota"): cli.BadList}}
	q := s.submit("night", listOf(3))
	j, _ := s.client(r)
	err := j.takeUp(t.Context(), "night", q, &waitFlags{wait: true})
	var failed *jobError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 2, r.starts)
	assert.Equal(t, []string{"its-run"}, r.waitedFor, "and no other that gets the quota")
}

func TestOnlyTheVeryRoundIsJoined(t *testing.T) {
	s, r := newSite(t), &registry{busy: startTries, away: true}
	q := s.submit("night", listOf(3))
	j, said := s.client(r)
	r.add(onboardName, workflowOf("quota"), "night", running)
	err := j.takeUp(t.Context(), "night", q, &waitFlags{wait: true})
	var unreachable *unreachableError
	require.ErrorAs(t, err, &unreachable)
	assert.Contains(t, said.String(), "the job night continues without this command; ask with: bulkonboard-temporal status night")
	assert.Equal(t, []string{"run-of-" + workflowOf("quota")}, r.waitedFor)

	other := &registry{busy: startTries}
	other.add(onboardName, workflowOf("quota"), "big", running)
	j.server = other
	err = j.takeUp(t.Context(), "night", q, &waitFlags{wait: true})
	var taken *takenError
	require.ErrorAs(t, err, &taken)
	assert.Equal(t, "big", taken.job)
}

func TestWhyAJobFailedIsKnownWhenAnotherHasHadTheQuotaSince(t *testing.T) {
	s, r := newSite(t), &registry{}
	s.submit("night", "no,such,columns\n1,2,3\n")
	_, err := s.run("night", 1)
	require.Error(t, err)
	r.add(onboardName, workflowOf("quota"), "another", enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	j, _ := s.client(r)
	text, err := j.status(t.Context(), "night")
	require.NoError(t, err)
	assert.Regexp(t, `it failed: .*the header lacks`, text)
	assert.Contains(t, text, "bulkonboard-temporal resume night")
}
