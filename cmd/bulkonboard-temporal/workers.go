package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"bulkonboard/batch/store"
	"bulkonboard/cmd/internal/cli"
)

// Which workers there are. The server knows who has asked it for work lately,
// and what it does not know of a worker, the worker puts into the store: only
// when that changes, so a note says nothing of whether its worker is alive.

// workerNote is what a worker says of itself.
type workerNote struct {
	Slots int       `json:"slots"`
	Sick  *sickness `json:"sick,omitempty"` // it takes no parts
}

const (
	notePrefix = "workers/"
	maxNote    = 64 << 10 // bytes

	// noteTime is how long a worker that stops may take to remove its note.
	noteTime = 5 * time.Second
)

func noteName(worker string) string { return notePrefix + objectName(worker) + ".json" }

// notes keeps the note of a worker.
type notes struct {
	root   store.Store
	worker string
	slots  int
	sick   *atomic.Bool // the same for metrics
	log    *slog.Logger
}

// put replaces the note. Without one, people do not learn of a change; the work
// is not affected.
func (n *notes) put(ctx context.Context, s *sickness) {
	n.sick.Store(s != nil)
	b, err := json.Marshal(workerNote{Slots: n.slots, Sick: s})
	if err == nil {
		err = n.root.Delete(ctx, noteName(n.worker))
	}
	if err == nil {
		err = n.root.Put(ctx, noteName(n.worker), b)
	}
	if err != nil && ctx.Err() == nil {
		n.log.Warn("the worker's note could not be put into the store: status does not show how it is", "error", err)
	}
}

// keep keeps the note as the worker's health is, until it is released.
func (n *notes) keep(ctx context.Context, h *health) (release func()) {
	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		h.run(ctx, n.put)
	}()
	return func() {
		stop()
		<-stopped
		n.remove()
	}
}

// remove removes it, when the worker stops.
func (n *notes) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), noteTime)
	defer cancel()
	_ = n.root.Delete(ctx, noteName(n.worker)) // another one removes what stays: see sweep
}

// sweep removes the notes of workers that are gone.
func (n *notes) sweep(ctx context.Context, server client.Client, queue string) {
	q, err := server.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return
	}
	keep := map[string]bool{noteName(n.worker): true}
	for _, w := range lately(q.GetPollers(), newest(q.GetPollers())) {
		keep[noteName(w)] = true
	}
	for o, err := range n.root.List(ctx, notePrefix) {
		if err != nil {
			return
		}
		if !keep[o.Name] {
			_ = n.root.Delete(ctx, o.Name) // what stays takes up room, and no more
		}
	}
}

// activeWorkers are those that have lately asked for work of a queue. Sick ones
// are among them: they continue to run workflows.
func activeWorkers(ctx context.Context, server client.Client, queue string) ([]string, error) {
	q, err := server.DescribeTaskQueue(ctx, queue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, err
	}
	return lately(q.GetPollers(), time.Now()), nil
}

// workerPool is the workers of a task queue.
type workerPool struct {
	names   []string
	slots   int // of those that take parts
	unknown int // workers that have no note
	sick    []string
}

// workerPool finds out which workers there are.
func (j *jobClient) workerPool(ctx context.Context) (*workerPool, error) {
	names, err := activeWorkers(ctx, j.server, j.flags.taskQueue)
	if err != nil {
		return nil, &unreachableError{j.flags.address, err}
	}
	p := &workerPool{names: names}
	for _, w := range names {
		n, err := readNote(ctx, j.root, w)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.unknown++
		case err != nil:
			return nil, err
		case n.Sick != nil:
			p.sick = append(p.sick, fmt.Sprintf("the worker %s takes no parts since %s: %s", w, n.Sick.Since.Format(time.RFC3339), strings.TrimSpace(n.Sick.Reason)))
		default:
			p.slots += n.Slots
		}
	}
	return p, nil
}

func readNote(ctx context.Context, root store.Store, worker string) (*workerNote, error) {
	b, err := store.ReadAll(ctx, root, noteName(worker), maxNote)
	if err != nil {
		return nil, err
	}
	return parseNote(b)
}

func parseNote(b []byte) (*workerNote, error) {
	var n workerNote
	if err := json.Unmarshal(b, &n); err != nil {
		return nil, fmt.Errorf("a worker's note in the store cannot be read: %w", err)
	}
	return &n, nil
}

// unused is how many shares of the rate cannot be used; 0 when all can, or that is
// not known.
func (p *workerPool) unused(parallel int) int {
	if p.unknown > 0 {
		return 0
	}
	return max(0, parallel-p.slots)
}

// tooFew says that not all shares of the rate can be used; "" when they can, or
// that is not known.
func (p *workerPool) tooFew(parallel int) string {
	n := p.unused(parallel)
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("the workers have %d slots, and the job wants %d, one for each share of its rate: %d of %d shares are not used; start another worker, or give them more with --slots",
		p.slots, parallel, n, parallel)
}

// lacks is what a job lacks of workers, in a few words.
func (p *workerPool) lacks(parallel int) []string {
	if len(p.names) == 0 {
		return []string{"no worker is there"}
	}
	var parts []string
	if n := len(p.sick); n > 0 {
		parts = append(parts, cli.Counted(n, "worker")+" without answers from the service: see status")
	}
	if n := p.unused(parallel); n > 0 {
		parts = append(parts, fmt.Sprintf("too few slots: %d of %d shares of the rate are not used", n, parallel))
	}
	return parts
}
