package batch

import (
	"container/heap"
	"time"

	"github.com/cenkalti/backoff/v4"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

const (
	// firstDelay is the mean wait before a row's second attempt.
	firstDelay = 250 * time.Millisecond

	// throttledDelay is the same for a row that is throttled again and again
	// while others are not. It is long, so that a quota that is used up for a
	// while does not use up the row's attempts.
	throttledDelay = 3 * time.Second
)

// later puts a row among the waiting.
func (d *dispatcher) later(s *slot, r *session.Reply, now time.Time) {
	d.backOff(s, r, now)
	heap.Push(&d.waiting, s)
}

// backOff says when a row is due again. One that failed because the service as a
// whole did, or is throttled for the first time, is not at fault: it is due at
// once, when the pace allows. Any other waits on its own, with exponential
// backoff and full jitter, uniform between zero and a bound that doubles up to
// the largest delay, and as long as the service asked for.
func (d *dispatcher) backOff(s *slot, r *session.Reply, now time.Time) {
	s.readyAt = now
	throttled := meaningOf(r).class == pace.Throttled
	if d.pace.Blocked() || throttled && !s.throttled {
		s.throttled = s.throttled || throttled
		s.delays = nil
		return
	}
	if s.delays == nil {
		first, jitter := firstDelay, 1.0
		if throttled {
			first, jitter = throttledDelay, 0.2
		}
		s.delays = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(min(first, d.maxBackoff/2)),
			backoff.WithRandomizationFactor(jitter),
			backoff.WithMultiplier(2),
			backoff.WithMaxInterval(d.maxBackoff/2),
			backoff.WithMaxElapsedTime(0),
		)
	}
	s.readyAt = now.Add(max(s.delays.NextBackOff(), r.RetryAfter))
}

// retries orders waiting slots by the time of their next attempt. It is a
// heap.Interface: a row in backoff holds neither a worker nor a connection.
type retries []*slot

func (r retries) Len() int           { return len(r) }
func (r retries) Less(i, j int) bool { return r[i].readyAt.Before(r[j].readyAt) }
func (r retries) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }

// Push appends a slot; called by container/heap only.
func (r *retries) Push(x any) { *r = append(*r, x.(*slot)) }

// Pop removes the last slot; called by container/heap only.
func (r *retries) Pop() any {
	old := *r
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*r = old[:len(old)-1]
	return last
}
