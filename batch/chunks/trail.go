package chunks

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"bulkonboard/batch/state"
	"bulkonboard/batch/store"
)

// trail is the journal of a part, in the store. What is appended goes there
// every so often, in a segment of its own. The segments are numbered, and each
// number can be taken only once: a worker that finds the next one taken has been
// replaced, and stops. When a part ends its numbers are given up; so a worker that has
// put a segment looks whether the part had ended before.
//
// Its methods are safe for concurrent use.
type trail struct {
	part  *part
	owner string
	every time.Duration

	// patience is how long a store may fail before the part is given up.
	patience time.Duration

	flushing sync.Mutex // held while a segment is put; covers next
	next     int

	mu      sync.Mutex // covers what follows
	pending []byte     // entries
	began   time.Time  // of the put under way; zero for none
	moved   chan struct{}
	err     error // what ended it
}

// storePatience is as long as an outage of a shared file system that is not
// worth a person's attention.
const storePatience = 2 * time.Minute

func newTrail(p *part, owner string, next int, every time.Duration) *trail {
	return &trail{part: p, owner: owner, next: next, every: every, patience: storePatience, moved: make(chan struct{})}
}

// Append implements batch.Log. While the store is slow to take what there is,
// it waits: what is lost with this machine is to stay what was answered in a
// moment or two.
func (t *trail) Append(entries []state.Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.err == nil && t.overdue() {
		moved := t.moved
		t.mu.Unlock()
		<-moved
		t.mu.Lock()
	}
	if t.err != nil {
		return t.err
	}
	for _, e := range entries {
		if e.Kind == state.Ended || e.Kind == state.Result {
			t.pending = appendEntry(t.pending, e.Kind, e.Row, e.Payload)
		}
	}
	return nil
}

func (t *trail) overdue() bool { return !t.began.IsZero() && time.Since(t.began) > t.every }

// Sync implements batch.Log. What goes to the store goes there by run.
func (t *trail) Sync() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// run puts what is appended into the store until ctx is done.
func (t *trail) run(ctx context.Context, puts context.Context) {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.flush(puts) != nil {
				return
			}
		}
	}
}

// flush puts what was appended into the store.
func (t *trail) flush(ctx context.Context) error {
	t.mu.Lock()
	entries, err := t.pending, t.err
	t.pending = nil
	t.mu.Unlock()
	if err != nil || len(entries) == 0 {
		return err
	}
	return t.put(ctx, entries)
}

// put puts one segment. An error is final: a store that cannot be asked is asked
// again until ctx ends, and meanwhile nothing more is answered.
func (t *trail) put(ctx context.Context, entries []byte) error {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	t.moves(time.Now(), nil)
	err := t.insist(ctx, func() error { return t.part.putSegment(ctx, t.next, t.owner, entries) })
	if errors.Is(err, store.ErrExists) {
		err = &LostError{Part: t.part.name}
	}
	if err == nil {
		err = t.insist(ctx, func() error { return t.part.notEnded(ctx, t.next) })
	}
	t.next++
	t.moves(time.Time{}, err)
	return err
}

// insist does something to the store until the store has an answer. A put that
// was tried again may find what the first try has put, and then the number is
// taken for another's: what was put is in the store, and is not called for again.
func (t *trail) insist(ctx context.Context, do func() error) error {
	waits := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(t.patience))
	return backoff.Retry(func() error {
		err := do()
		var away *store.Error
		if errors.Is(err, store.ErrExists) || !errors.As(err, &away) {
			return permanent(err)
		}
		return err
	}, backoff.WithContext(waits, ctx))
}

// permanent is an error that is an answer.
func permanent(err error) error {
	if err == nil {
		return nil
	}
	return backoff.Permanent(err)
}

// moves notes that a put begins or has ended, and wakes those who wait.
func (t *trail) moves(began time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began = began
	if err != nil && t.err == nil {
		t.err = err
	}
	close(t.moved)
	t.moved = make(chan struct{})
}
