package main

import (
	"context"
	"time"

	enums "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// What the other parts of a round meet. Their workers say it in heartbeats, and
// the server tells it to any worker that asks: workers do not talk to each other.

// neighbor is another part that a worker is at.
type neighbor struct {
	worker  string
	attempt int32
	details heartbeatDetails
}

// neighbors are the other parts of a round that workers are at, by the ids of
// their activities.
type neighbors map[string]neighbor

// parts tell what there is to know beside a part's own calls.
type parts interface {
	// others gives the parts of the round that workers are at, but for one's own.
	others(ctx context.Context, info activity.Info) (neighbors, error)

	// workers gives those that have lately asked for parts.
	workers(ctx context.Context, info activity.Info) ([]string, error)
}

// serverParts asks the Temporal server.
type serverParts struct{ server client.Client }

func (s serverParts) others(ctx context.Context, info activity.Info) (neighbors, error) {
	got, err := s.server.DescribeWorkflow(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID)
	if err != nil {
		return nil, err
	}
	n := neighbors{}
	for _, a := range got.RawResponse.GetPendingActivities() {
		if a.GetActivityId() != info.ActivityID && a.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
			n[a.GetActivityId()] = neighbor{a.GetLastWorkerIdentity(), a.GetAttempt(), detailsOf(a)}
		}
	}
	return n, nil
}

func (s serverParts) workers(ctx context.Context, info activity.Info) ([]string, error) {
	q, err := s.server.DescribeTaskQueue(ctx, info.TaskQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return nil, err
	}
	return lately(q.GetPollers(), newest(q.GetPollers())), nil
}

// pollTime is how long a worker may wait for the server before it asks again,
// and a little more, as clocks differ.
const pollTime = 90 * time.Second

// newest is when the server was last asked for work, by its own clock. To a worker
// that is now, or nearly: it asks, too, and its own clock may be off.
func newest(all []*taskqueuepb.PollerInfo) (at time.Time) {
	for _, p := range all {
		if t := p.GetLastAccessTime().AsTime(); t.After(at) {
			at = t
		}
	}
	return at
}

// lately are those who asked the server not too long ago to be there still.
func lately(all []*taskqueuepb.PollerInfo, now time.Time) []string {
	var there []string
	for _, p := range all {
		if now.Sub(p.GetLastAccessTime().AsTime()) <= pollTime {
			there = append(there, p.GetIdentity())
		}
	}
	return there
}

// detailsOf reads what a worker has said of a part.
func detailsOf(a *workflowpb.PendingActivityInfo) heartbeatDetails {
	var d heartbeatDetails
	if a.GetHeartbeatDetails() != nil {
		// What cannot be read says nothing.
		_ = converter.GetDefaultDataConverter().FromPayloads(a.GetHeartbeatDetails(), &d)
	}
	return d
}

// answeredSince reports whether the service has processed calls of any of these
// since an earlier look. Succeeded asks for session ids.
func (n neighbors) answeredSince(before neighbors, succeeded bool) bool {
	for id, now := range n {
		was := before[id].details
		if before[id].attempt != now.attempt { // it has started over
			was = heartbeatDetails{}
		}
		if now.details.Succeeded > was.Succeeded || !succeeded && now.details.Answered > was.Answered {
			return true
		}
	}
	return false
}

// elsewhere gives those that are with other workers than this one.
func (n neighbors) elsewhere(worker string) neighbors {
	out := neighbors{}
	for id, p := range n {
		if p.worker != worker {
			out[id] = p
		}
	}
	return out
}

// inTrouble reports that all of these are, and that there are some.
func (n neighbors) inTrouble() bool {
	for _, p := range n {
		if p.details.Trouble == "" {
			return false
		}
	}
	return len(n) > 0
}
