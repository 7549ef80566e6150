package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// failureReport is why a round ended before its end, for those who ask about it.
type failureReport struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Part   string    `json:"part"`
	Reason string    `json:"reason"`
}

// report puts that into the store, in place of what was there of an earlier
// try. What cannot be put is in the log.
func (t *task) report(ctx context.Context, kind cli.Kind, reason error) {
	b, err := json.Marshal(failureReport{At: time.Now().UTC(), Kind: kind.Name, Part: activity.GetInfo(ctx).ActivityType.Name, Reason: reason.Error()})
	if err == nil {
		err = t.store.Delete(ctx, failureReportName(t.Round))
	}
	if err == nil {
		err = t.store.Put(ctx, failureReportName(t.Round), b)
	}
	if err != nil {
		t.log.Warn("the reason could not be put into the store", "error", err)
	}
}

// reason is what a worker left in the store about that, or else what the kind
// says.
func (j *jobClient) reason(ctx context.Context, job string, round int, k cli.Kind) string {
	t, err := j.lastReport(ctx, job, round)
	if err != nil || t.Kind != k.Name {
		return textOf(k)
	}
	return t.Reason
}

// lastReport is what a worker left in the store when a round last failed;
// fs.ErrNotExist says that it never has.
func (j *jobClient) lastReport(ctx context.Context, job string, round int) (*failureReport, error) {
	b, err := store.ReadAll(ctx, jobStore(j.root, job), failureReportName(round), maxRequest)
	if err != nil {
		return nil, err
	}
	var t failureReport
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("%s of the job %s cannot be read: %w", failureReportName(round), job, err)
	}
	return &t, nil
}
