package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/worker"
)

// A worker that is alive and sick must harm only itself: one whose calls are not
// answered while those of others are takes no more parts. It finds out by itself
// when it is well again: by a probe that names no customer, or else by one part
// at a time, from time to time.

const (
	probeFirst = time.Second      // after which a sick worker is probed
	probeMost  = 30 * time.Second // between two probes
	trialFirst = time.Minute      // after which it takes one part, to find out
	trialMost  = 16 * time.Minute // between two of these
)

// prober says whether the service answers this worker as it should. It calls for
// no customer.
type prober func(ctx context.Context) probed

// probed is what a probe came to.
type probed int

const (
	probedWell   probed = iota
	probedIll           // the service does not answer, or refuses this worker
	probedUnsure        // the service answers, and does not say whether it refuses this worker
)

// sickness is why a worker takes no parts.
type sickness struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`

	trial time.Duration                  // after which one part is taken
	probe prober                         // whether it is over
	alone func(ctx context.Context) bool // no other worker has a part of the job
}

// health is how a worker is, and how many parts it takes. It is the slot supplier
// of its SDK's worker. It is safe for concurrent use.
type health struct {
	slots int
	log   *slog.Logger

	mu       sync.Mutex // covers what follows
	changed  chan struct{}
	used     int
	limit    int
	sick     *sickness
	trials   int // one after another, in vain
	answered time.Time
}

func newHealth(slots int, log *slog.Logger) *health {
	return &health{slots: slots, limit: slots, log: log, changed: make(chan struct{})}
}

// state is why the worker takes no parts, nil when it is well, and what is closed
// when that may have changed.
func (h *health) state() (*sickness, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sick, h.changed
}

// takes reports whether the worker takes parts that call the service.
func (h *health) takes() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.limit > 0
}

// sawAnswer takes in that the service has processed a call of this worker.
func (h *health) sawAnswer(now time.Time) {
	h.mu.Lock()
	h.answered = now
	sick := h.sick
	h.mu.Unlock()
	if sick != nil {
		h.recovered(sick)
	}
}

// answeredSince reports whether the service has processed a call of this worker
// since then, of whatever part.
func (h *health) answeredSince(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answered.After(t)
}

// fall makes the worker sick until it is known to be well.
func (h *health) fall(s sickness) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Since = time.Now().UTC()
	if h.sick != nil {
		s.Since = h.sick.Since
	} else {
		h.log.Warn("this worker takes no more parts until the service answers it again", "event", "worker_sick", "reason", s.Reason)
	}
	if h.limit > 0 { // it is another try that was in vain, and not another part of the same
		s.trial = min(trialFirst<<min(h.trials, 10), trialMost)
		h.trials++
	} else {
		s.trial = h.sick.trial
	}
	h.sick, h.limit = &s, 0
	h.change()
}

// run finds out when the worker is well again, until ctx is done. It tells of
// each change; nil says well.
func (h *health) run(ctx context.Context, told func(context.Context, *sickness)) {
	var last *sickness
	told(ctx, nil)
	for {
		s, changed := h.state()
		if s != last {
			last = s
			told(ctx, s)
		}
		if s != nil {
			h.findOut(ctx, s)
			if ctx.Err() == nil {
				continue
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// findOut probes until the worker is well, or something newer is known. Where
// probes cannot tell, or no other is there, the worker takes one part after
// some time.
func (h *health) findOut(ctx context.Context, s *sickness) {
	began := time.Now()
	for wait := probeFirst; ; wait = min(2*wait, probeMost) {
		if !h.staysFor(ctx, s, wait) {
			return
		}
		result := s.probe(ctx)
		if result == probedWell {
			h.recovered(s)
			return
		}
		if time.Since(began) >= s.trial && (result == probedUnsure || s.alone(ctx)) {
			h.tryOne(s)
		}
	}
}

// staysFor waits, and reports whether nothing newer is known by then.
func (h *health) staysFor(ctx context.Context, s *sickness, wait time.Duration) bool {
	over := time.After(wait)
	for {
		now, changed := h.state()
		if now != s {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		case <-over:
			return true
		}
	}
}

// tryOne lets a sick worker take one part.
func (h *health) tryOne(s *sickness) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sick == s && h.limit == 0 {
		h.limit = 1
		h.change()
		h.log.Info("this worker takes one part to find out whether the service answers it again", "event", "worker_trial")
	}
}

// recovered makes the worker well, unless it has fallen sick again since.
func (h *health) recovered(s *sickness) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sick != s {
		return
	}
	h.sick, h.limit, h.trials = nil, h.slots, 0
	h.change()
	h.log.Info("this worker takes parts again", "event", "worker_well", "sick_seconds", time.Since(s.Since).Round(time.Second).Seconds())
}

// change wakes those who wait for a slot. The lock is held.
func (h *health) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// take takes a slot, or gives what to wait for.
func (h *health) take() (taken bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.used < h.limit {
		h.used++
		return true, nil
	}
	return false, h.changed
}

// ReserveSlot implements worker.SlotSupplier: the SDK asks for a part only once
// it has a slot for it.
func (h *health) ReserveSlot(ctx context.Context, _ worker.SlotReservationInfo) (*worker.SlotPermit, error) {
	for {
		taken, changed := h.take()
		if taken {
			return &worker.SlotPermit{}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// TryReserveSlot implements worker.SlotSupplier.
func (h *health) TryReserveSlot(worker.SlotReservationInfo) *worker.SlotPermit {
	if taken, _ := h.take(); taken {
		return &worker.SlotPermit{}
	}
	return nil
}

// MarkSlotUsed implements worker.SlotSupplier.
func (h *health) MarkSlotUsed(worker.SlotMarkUsedInfo) {}

// ReleaseSlot implements worker.SlotSupplier.
func (h *health) ReleaseSlot(worker.SlotReleaseInfo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.used--
	h.change()
}

// MaxSlots implements worker.SlotSupplier.
func (h *health) MaxSlots() int { return h.slots }

// otherSlots are those for what the SDK keeps apart from parts, as many as it has
// by default.
const otherSlots = 1000

// tunerOf has a worker take as many parts as its health allows.
func tunerOf(h *health) worker.WorkerTuner {
	others, _ := worker.NewFixedSizeSlotSupplier(otherSlots)           // it takes any number above zero
	tuner, _ := worker.NewCompositeTuner(worker.CompositeTunerOptions{ // it refuses nothing
		WorkflowSlotSupplier: others, ActivitySlotSupplier: h, LocalActivitySlotSupplier: others, NexusSlotSupplier: others, SessionActivitySlotSupplier: others,
	})
	return tuner
}
