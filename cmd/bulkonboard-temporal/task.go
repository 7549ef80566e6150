package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"bulkonboard/batch"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// task is one part under way.
type task struct {
	*activities
	part
	request   *request
	store     store.Store // of the job
	heartbeat *heartbeat
	monitor   measure.Monitor
	before    atomic.Int64 // rows of the list before the part
	pulse     pulse
	evidence  evidence
	folder    string // for scratch
	log       *slog.Logger
}

// work does something about a part while it sends heartbeats. It returns an error
// as it goes through Temporal.
func (a *activities) work(ctx context.Context, p part, do func(context.Context, *task) error) error {
	info := activity.GetInfo(ctx)
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &task{activities: a, part: p, store: jobStore(a.root, p.Job)}
	t.evidence.info = info
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &t.evidence.given) // what cannot be read says nothing
	}
	t.log = a.log.With("job", p.Job, "round", p.Round, "part", info.ActivityType.Name, "chunk", p.Chunk)
	t.heartbeat = &heartbeat{timeout: max(info.HeartbeatTimeout, minHeartbeat), stop: stop, send: func(ctx context.Context) error {
		return a.recordHeartbeat(ctx, info.TaskToken, t.progress())
	}}
	// Nothing is done for a server that is not heard of.
	err := t.heartbeat.record(ctx)
	if err == nil {
		defer a.handOn(ctx, stop)()
		err = t.run(ctx, within, do)
	}
	if err == nil {
		return nil
	}
	if cause := context.Cause(within); cause != nil && !cli.KindOf(err).Final {
		err = cause
	}
	var why *sickError
	if errors.As(err, &why) {
		t.handOver(ctx, why)
	}
	kind := cli.KindOf(err)
	t.log.Warn("the part has stopped", "reason", err.Error(), "kind", kind.Name, "final", kind.Final)
	if kind.Final {
		t.report(ctx, kind, err)
	}
	return asFailure(err)
}

// handOn stops the part when the worker is told to stop.
func (a *activities) handOn(ctx context.Context, stop context.CancelCauseFunc) (release func()) {
	released := make(chan struct{})
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			stop(batch.ErrInterrupted)
		case <-released:
		}
	}()
	return func() { close(released) }
}

// run does it, between heartbeats.
func (t *task) run(ctx, within context.Context, do func(context.Context, *task) error) error {
	beating, still := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		t.heartbeat.run(beating)
	}()
	defer func() { still(); <-stopped }()
	var err error
	if t.request, err = readRequest(within, t.root, t.Job); err != nil {
		return err
	}
	if t.folder, err = os.MkdirTemp(t.scratch, "part-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(t.folder) }() // what stays takes up room, and no more
	return do(within, t)
}

func (t *task) progress() heartbeatDetails {
	p := t.monitor.Progress()
	d := heartbeatDetails{State: string(p.State), Rows: max(0, p.Answered-t.before.Load())}
	t.evidence.tell(&d, &t.pulse)
	return d
}

// path is a file of the part's own.
func (t *task) path(name string) string { return filepath.Join(t.folder, name) }

// file makes one that is gone with the part.
func (t *task) file(name string) (*os.File, error) { return state.MakeScratch(t.path(name)) }
