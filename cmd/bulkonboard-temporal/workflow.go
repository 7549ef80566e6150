package main

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// The workflow of a job. It is replayed from its history, so it may do nothing
// that is not the same each time.

const (
	// maxHistory is how many events a history may have before another begins.
	// The server ends a workflow at 51,200.
	maxHistory = 8000

	// partTime is more than any part takes. What ends a part whose worker is
	// dead is the heartbeat.
	partTime = 7 * 24 * time.Hour
)

// onboard takes a job through a round of its parts. It only says what is done
// when, and may be replayed at any time. A change of what it does first asks
// workflow.GetVersion, so that histories of jobs under way still fit.
func onboard(ctx workflow.Context, c roundState) (roundState, error) {
	workflow.GetVersion(ctx, "course", workflow.DefaultVersion, 1)
	if err := workflow.SetQueryHandler(ctx, progressName, func() (roundState, error) { return c, nil }); err != nil {
		return c, err
	}
	ctx = workflow.WithActivityOptions(ctx, untilDone(c.Heartbeat))
	all := part{Job: c.Job, Round: c.Round}
	if c.Layout == (layout{}) {
		c.Phase = planning
		if err := workflow.ExecuteActivity(c.withLedger(ctx), planName, all).Get(ctx, &c.Layout); err != nil {
			return c, ending(ctx, err)
		}
	}
	c.Phase = calling
	if err := c.runChunks(ctx); err != nil {
		return c, err
	}
	if c.Next < c.Layout.Chunks {
		return c, workflow.NewContinueAsNewError(ctx, onboardName, c)
	}
	if c.Layout.Rest {
		c.Phase = resting
		if err := workflow.ExecuteActivity(ctx, runRestName, all).Get(ctx, nil); err != nil {
			return c, ending(ctx, err)
		}
	}
	c.Phase = merging
	if err := workflow.ExecuteActivity(c.withLedger(ctx), mergeName, all).Get(ctx, &c.Total); err != nil {
		return c, ending(ctx, err)
	}
	c.Phase = merged
	return c, nil
}

// untilDone is how long parts are waited for, and that they are tried again
// until they are done. What would fail again, the error says: see package cli.
func untilDone(heartbeat time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		HeartbeatTimeout:    heartbeat,
		StartToCloseTimeout: partTime,
		WaitForCancellation: true,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
	}
}

// withLedger has a part done by a worker that has the ledger, if the job has
// one.
func (c *roundState) withLedger(ctx workflow.Context) workflow.Context {
	if !c.Ledger {
		return ctx
	}
	return workflow.WithTaskQueue(ctx, ledgerQueue(workflow.GetInfo(ctx).TaskQueueName))
}

// runChunks has the chunks run, a number at once and no more: each has that
// share of the rate. When one fails, the others are stopped and waited for. It
// returns with no chunk under way, early when the history is long.
func (c *roundState) runChunks(ctx workflow.Context) (failed error) {
	within, stop := workflow.WithCancel(ctx)
	defer stop()
	running := 0
	chunks := workflow.NewSelector(ctx)
	for {
		for ; running < c.Layout.Parallel && c.Next < c.Layout.Chunks && failed == nil && ctx.Err() == nil && !long(ctx); c.Next++ {
			running++
			chunk := workflow.ExecuteActivity(within, runChunkName, part{Job: c.Job, Round: c.Round, Chunk: c.Next})
			chunks.AddFuture(chunk, func(f workflow.Future) {
				running--
				var n counted
				if err := f.Get(ctx, &n); err == nil {
					c.Done, c.Rows = c.Done+1, c.Rows+n.Rows
				} else if failed == nil {
					failed = err
					stop()
				}
			})
		}
		if running == 0 {
			break
		}
		chunks.Select(ctx)
	}
	return ending(ctx, failed)
}

// ending is how a round ends: a part of one that is cancelled says only that it
// stopped.
func ending(ctx workflow.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// long reports whether it is time to continue with a new history.
func long(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() > maxHistory
}
