package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"bulkonboard/batch"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

// A worker that the server has not heard of for the length of a heartbeat is
// taken for dead, and its part is given to another. So that no row is ever with
// two of them, a worker stops by itself before: it counts from before the last
// call that the server answered, and the server from when that call came in.
//
//	0     0.2    0.4    0.6       0.9    1.0
//	|------|------|------|---------|------|
//	 heartbeats ................
//	                      no new rows
//	                       calls in flight
//	                                flush   the server gives the part on
const (
	intervalShare = 0.2 // between two heartbeats, and for one
	fenceShare    = 0.6
	graceShare    = 0.3
	flushShare    = 0.1
)

// Why a worker stops a part.
const (
	errFenced    = handedOnError("the Temporal server was silent for so long that it may have given the part to another worker")
	errTaken     = handedOnError("the Temporal server has given the part to another worker, or the job is over")
	errCancelled = handedOnError("the job was stopped")
	errSick      = handedOnError("the service does not answer this worker, which takes no parts until it does")
)

// longestInterval between two heartbeats keeps what they say of a part from
// getting old.
const longestInterval = 6 * time.Second

func shareOf(heartbeat time.Duration, share float64) time.Duration {
	return time.Duration(share * float64(heartbeat))
}

// reasonToStop is whether to stop, and why: long enough after the last heartbeat that the
// server is known to have heard, with this answer to the newest one.
func reasonToStop(heartbeat, silence time.Duration, answer error) error {
	var gone *serviceerror.NotFound
	var cancelled *temporal.CanceledError
	switch {
	case errors.As(answer, &gone):
		return errTaken
	case errors.As(answer, &cancelled):
		return errCancelled
	case silence > shareOf(heartbeat, fenceShare):
		return errFenced
	}
	return nil
}

// heartbeat keeps one part with this worker. Its methods are safe for concurrent
// use.
type heartbeat struct {
	timeout time.Duration
	send    func(context.Context) error // to the server; returns its answer
	stop    context.CancelCauseFunc     // the part

	mu   sync.Mutex
	last time.Time // before the newest one that the server is known to have heard
}

// record sends one heartbeat.
func (h *heartbeat) record(ctx context.Context) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, shareOf(h.timeout, intervalShare))
	defer cancel()
	err := h.send(ctx)
	if err == nil {
		h.mu.Lock()
		h.last = began
		h.mu.Unlock()
	}
	return err
}

// silence is how long ago the server was last heard of. A machine that was
// suspended has only one of its two clocks continue.
func (h *heartbeat) silence() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	return max(now.Sub(h.last), now.Round(0).Sub(h.last.Round(0)))
}

// run sends heartbeats until ctx is done. It continues while a part that was stopped comes
// to its end, so that it is not given on before.
func (h *heartbeat) run(ctx context.Context) {
	tick := time.NewTicker(min(shareOf(h.timeout, intervalShare), longestInterval))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			answer := h.record(ctx)
			if why := reasonToStop(h.timeout, h.silence(), answer); why != nil {
				h.stop(why)
			}
		}
	}
}

// fencedCaller makes no call that comes too late: a worker that was frozen wakes in
// the middle of what it did, before its next heartbeat.
type fencedCaller struct {
	caller    batch.Caller
	heartbeat *heartbeat
}

// Call implements batch.Caller.
func (g fencedCaller) Call(ctx context.Context, r *source.Customer) session.Reply {
	h := g.heartbeat
	if why := reasonToStop(h.timeout, h.silence(), nil); why != nil {
		h.stop(why)
		return session.Reply{Outcome: session.Cancelled}
	}
	return g.caller.Call(ctx, r)
}
