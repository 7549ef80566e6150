package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// crew is a worker's hands: what it does the parts of jobs with. It is safe for
// concurrent use.
type crew struct {
	root    store.Store
	beat    func(ctx context.Context, token []byte, b beat) error
	service func(*chunks.Job) (caller batch.Caller, idle func(), err error)

	scratch    string // a folder, with one for each part under way
	owner      string // who this is, for people
	flushEvery time.Duration
	ledger     cli.LedgerFile
	abort      <-chan struct{} // closed when there is no time for the calls in flight
	log        *slog.Logger
}

// parts are what it can do, by name.
func (k *crew) parts() map[string]any {
	return map[string]any{planName: k.plan, runChunkName: k.runChunk, runRestName: k.runRest, mergeName: k.merge, prepareName: k.prepare}
}

// register tells a worker what it can do.
func (k *crew) register(w worker.ActivityRegistry) {
	for name, does := range k.parts() {
		w.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
}

// task is one part under way.
type task struct {
	*crew
	part
	request *request
	store   store.Store // of the job
	heart   *heart
	monitor measure.Monitor
	before  atomic.Int64 // rows of the list before the part
	folder  string       // for scratch
	log     *slog.Logger
}

// work does something about a part while its heart beats. It returns an error
// as it goes through Temporal.
func (k *crew) work(ctx context.Context, p part, do func(context.Context, *task) error) error {
	info := activity.GetInfo(ctx)
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &task{crew: k, part: p, store: jobStore(k.root, p.Job)}
	t.log = k.log.With("job", p.Job, "round", p.Round, "part", info.ActivityType.Name, "chunk", p.Chunk)
	t.heart = &heart{heartbeat: max(info.HeartbeatTimeout, minHeartbeat), stop: stop, send: func(ctx context.Context) error {
		return k.beat(ctx, info.TaskToken, t.progress())
	}}
	// Nothing is done for a server that is not heard of.
	err := t.heart.beat(ctx)
	if err == nil {
		defer k.handOn(ctx, stop)()
		err = t.run(ctx, within, do)
	}
	if err == nil {
		return nil
	}
	if cause := context.Cause(within); cause != nil && !cli.KindOf(err).Final {
		err = cause
	}
	kind := cli.KindOf(err)
	t.log.Warn("the part has stopped", "reason", err.Error(), "kind", kind.Name, "final", kind.Final)
	if kind.Final {
		t.trouble(ctx, kind, err)
	}
	return asFailure(err)
}

// handOn stops the part when the worker is told to stop.
func (k *crew) handOn(ctx context.Context, stop context.CancelCauseFunc) (release func()) {
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

// run does it, between beats.
func (t *task) run(ctx, within context.Context, do func(context.Context, *task) error) error {
	beating, still := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		t.heart.run(beating)
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

func (t *task) progress() beat {
	p := t.monitor.Progress()
	return beat{State: string(p.State), Rows: max(0, p.Answered-t.before.Load())}
}

// path is a file of the part's own.
func (t *task) path(name string) string { return filepath.Join(t.folder, name) }

// file makes one that is gone with the part.
func (t *task) file(name string) (*os.File, error) { return state.MakeScratch(t.path(name)) }

// trouble is why a round ended before its end, for those who ask about it.
type trouble struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Part   string    `json:"part"`
	Reason string    `json:"reason"`
}

// trouble puts that into the store, in place of what was there of an earlier
// try. What cannot be put is in the log.
func (t *task) trouble(ctx context.Context, kind cli.Kind, reason error) {
	b, err := json.Marshal(trouble{At: time.Now().UTC(), Kind: kind.Name, Part: activity.GetInfo(ctx).ActivityType.Name, Reason: reason.Error()})
	if err == nil {
		err = t.store.Delete(ctx, troubleName(t.Round))
	}
	if err == nil {
		err = t.store.Put(ctx, troubleName(t.Round), b)
	}
	if err != nil {
		t.log.Warn("the reason could not be put into the store", "error", err)
	}
}
