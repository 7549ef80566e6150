package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"bulkonboard/batch"
	"bulkonboard/batch/chunks"
	"bulkonboard/batch/disk"
	"bulkonboard/batch/known"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// What a worker does for a job: planning, chunks, the rest, and merging.

// activities are what a worker does the parts of jobs with. They are safe for
// concurrent use.
type activities struct {
	root            store.Store
	recordHeartbeat func(ctx context.Context, token []byte, b heartbeatDetails) error
	service         func(*chunks.Job) (caller batch.Caller, idle func(), err error)
	probe           func(context.Context, *chunks.Job) probed
	plans           chunks.Plans
	parts           parts // nil: a part knows only of itself
	health          *health

	scratch    string // a folder, with one for each part under way
	owner      string // who this is, for people
	flushEvery time.Duration
	ledger     cli.LedgerFile
	abort      <-chan struct{} // closed when there is no time for the calls in flight
	log        *slog.Logger
}

// byName are the activities by the names that histories have.
func (a *activities) byName() map[string]any {
	return map[string]any{planName: a.plan, runChunkName: a.runChunk, runRestName: a.runRest, mergeName: a.merge, prepareName: a.prepare}
}

// register tells a worker what it can do.
func (a *activities) register(w worker.ActivityRegistry) {
	for name, does := range a.byName() {
		w.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
}

// plan plans a job, or finds it planned.
func (a *activities) plan(ctx context.Context, p part) (layout, error) {
	var l layout
	err := a.work(ctx, p, func(ctx context.Context, t *task) error {
		m, err := t.planned(ctx)
		if err != nil {
			return err
		}
		l = layout{Chunks: len(m.Chunks), Parallel: m.Parallel, Rest: m.Rest, Rows: m.Rows(), Rate: m.Job.Rate}
		return nil
	})
	return l, err
}

// planned is the plan, which must be of the list that was submitted.
func (t *task) planned(ctx context.Context) (*chunks.Manifest, error) {
	m, err := t.planOnce(ctx)
	if err == nil && !t.request.Input.planned(m) {
		err = &chunks.ChangedError{Part: t.request.Input.Object, Reason: "it is not the list that was submitted"}
	}
	return m, err
}

// planOnce needs the list only once: the plan has a copy of it, and a job's
// request never changes.
func (t *task) planOnce(ctx context.Context) (*chunks.Manifest, error) {
	if m, err := chunks.Open(ctx, t.store); !errors.As(err, new(*chunks.NoJobError)) {
		return m, err
	}
	limit, err := measure.ParseLimit(t.request.MaxInvalid, 0)
	if err != nil {
		return nil, &misfitError{t.owner, "the request of the job has a max-invalid that this worker does not read: " + err.Error()}
	}
	rows, err := preflight.ParseRowLimit(t.request.MinRows)
	if err != nil {
		return nil, &misfitError{t.owner, "the request of the job has a min-rows that this worker does not read: " + err.Error()}
	}
	list, err := t.request.open(ctx, t.root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = list.Close() }() // it was only read
	p := chunks.Planner{Store: t.store, Job: t.request.Job, List: list, Scratch: t.folder, Invalid: limit, Rows: rows, Monitor: &t.monitor}
	var m *chunks.Manifest
	err = t.withLedger(ctx, func(known *known.Known, id string) (err error) {
		p.Known, p.Job.Ledger = known, id
		m, err = p.Plan(ctx)
		return err
	})
	return m, err
}

// runChunk runs one chunk, or resumes it.
func (a *activities) runChunk(ctx context.Context, p part) (counted, error) {
	var n counted
	err := a.work(ctx, p, func(ctx context.Context, t *task) error {
		return t.callFor(ctx, func(w *chunks.Worker) error {
			n.Rows = w.Manifest.Chunks[p.Chunk].Rows
			t.before.Store(w.Manifest.Chunks[p.Chunk].Begins.Row)
			return w.RunChunk(ctx, p.Chunk)
		})
	})
	return n, err
}

// runRest runs what the chunks have left.
func (a *activities) runRest(ctx context.Context, p part) error {
	return a.work(ctx, p, func(ctx context.Context, t *task) error {
		return t.callFor(ctx, func(w *chunks.Worker) error { return w.RunRest(ctx) })
	})
}

// callFor does something with a service that can be called.
func (t *task) callFor(ctx context.Context, do func(*chunks.Worker) error) error {
	m, err := t.plans.Open(ctx, t.store)
	if err != nil {
		return err
	}
	if !t.health.takes() { // it was asked for before
		return errSick
	}
	caller, idle, err := t.service(&m.Job)
	if err != nil {
		return err
	}
	defer idle()
	release := t.watching(ctx)
	err = do(&chunks.Worker{
		OthersAnswered: t.evidence.othersAnswered, AcceptRefusals: t.evidence.given.Failing,
		Store: t.store, Manifest: m, Round: t.Round, Caller: watchedCaller{fencedCaller{caller, t.heartbeat}, t}, Owner: t.owner, Scratch: t.folder,
		FlushEvery: t.flushEvery, Grace: shareOf(t.heartbeat.timeout, graceShare), Linger: shareOf(t.heartbeat.timeout, flushShare),
		Abort: t.abort, Monitor: &t.monitor, Log: t.activities.log.With("job", t.Job, "round", t.Round),
	})
	release()
	return t.weigh(ctx, err)
}

// merge puts together what the parts came to, or finds it done.
func (a *activities) merge(ctx context.Context, p part) (total, error) {
	var n total
	err := a.work(ctx, p, func(ctx context.Context, t *task) error {
		m, err := chunks.Open(ctx, t.store)
		if err != nil {
			return err
		}
		n, err = t.mergedBefore(ctx, m)
		if errors.Is(err, fs.ErrNotExist) {
			err = t.withLedger(ctx, func(known *known.Known, id string) (err error) {
				if err = t.otherLedger(m, id); err == nil {
					n, err = t.mergeNow(ctx, m, known)
				}
				return err
			})
		}
		return err
	})
	return n, err
}

// mergedBefore gives the total of a round that is merged. The results are put
// last: when they are there, all is.
func (t *task) mergedBefore(ctx context.Context, m *chunks.Manifest) (total, error) {
	r, err := t.store.Get(ctx, resultsName(t.Round, m.Read.Format), 0, 1)
	if err != nil {
		return total{}, err
	}
	_ = r.Close() // it was only looked at
	s, err := readSummary(ctx, t.store, t.Round)
	if err != nil {
		return total{}, err
	}
	return totalOf(s), nil
}

func (t *task) mergeNow(ctx context.Context, m *chunks.Manifest, known *known.Known) (total, error) {
	dir, err := state.Open(disk.OS{}, t.path("state"), state.Options{})
	if err != nil {
		return total{}, err
	}
	defer func() { _ = dir.Close() }() // it is thrown away
	scratch, err := t.file("scratch")
	if err != nil {
		return total{}, err
	}
	defer func() { _ = scratch.Close() }() // likewise
	g := cli.NewMerger(m, t.Round, &cli.MergeOutputs{
		Results: t.path("results." + m.Read.Format), Rejects: t.path("rejects." + m.Read.Format), Summary: t.path("summary.json"),
		Typed: "bulkonboard-temporal",
		Retry: func(_ sink.Status, code string) string {
			return "bulkonboard-temporal retry " + t.Job + " --error-code " + cli.Quoted(code)
		},
	})
	g.Store, g.State, g.Scratch, g.Known, g.Monitor, g.Log = t.store, dir, scratch, known, &t.monitor, t.log
	if _, err := g.Merge(ctx); err != nil {
		return total{}, err
	}
	return t.publish(ctx, m.Read.Format)
}

// publish puts what was merged into the store, the results last. Another worker
// that was at the same may have put some of it: the rows are the same.
func (t *task) publish(ctx context.Context, format string) (total, error) {
	for _, put := range []func() error{
		func() error { return t.upload(ctx, rejectsName(t.Round, format)) },
		func() error { return t.uploadSummary(ctx, format) },
		func() error { return t.upload(ctx, resultsName(t.Round, format)) },
	} {
		if err := put(); err != nil && !errors.Is(err, store.ErrExists) {
			return total{}, err
		}
	}
	s, err := readSummary(ctx, t.store, t.Round)
	if err != nil {
		return total{}, err
	}
	return totalOf(s), nil
}

// uploadSummary puts the summary with the names that its files have in the store.
func (t *task) uploadSummary(ctx context.Context, format string) error {
	b, err := os.ReadFile(t.path(path.Base(summaryName(t.Round))))
	if err != nil {
		return err
	}
	s, err := sink.DecodeSummary(b)
	if err != nil {
		return err
	}
	if b, err = naming(s, "", path.Base(resultsName(t.Round, format)), path.Base(rejectsName(t.Round, format))); err != nil {
		return err
	}
	return t.store.Put(ctx, summaryName(t.Round), b)
}

// upload puts a file of the merge under its name in the store.
func (t *task) upload(ctx context.Context, name string) error {
	f, err := os.Open(t.path(path.Base(name)))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return t.store.PutFrom(ctx, name, f, info.Size())
}
