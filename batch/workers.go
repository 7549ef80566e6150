package batch

import (
	"context"
	"time"

	"bulkonboard/batch/session"
	"bulkonboard/source"
)

// Caller sends one attempt for one customer. It must be safe for concurrent
// use, must return soon after ctx is done, and reports every failure in the
// reply. The customer has its form. It is not kept: the next call changes it.
// *session.Client implements it.
type Caller interface {
	Call(ctx context.Context, c *source.Customer) session.Reply
}

// attempt is a call of the Caller that is over, or was not made after all.
type attempt struct {
	slot  *slot
	reply session.Reply
}

// sendAttempts sends until there are no more. As many of it run as calls may
// be in flight. replies has room for all of them, so a worker never waits to
// give one back.
//
// An attempt was paced when it was decided upon, and may have been held up by
// the disk since. The limiter spaces such attempts out again, right before they
// go, so that a stall is not followed by a burst above the ceiling.
func sendAttempts(ctx context.Context, caller Caller, limit *limiter, formID string, calls <-chan *slot, replies chan<- attempt) {
	var customer source.Customer
	for s := range calls {
		a := attempt{slot: s, reply: session.Reply{Outcome: session.Cancelled}}
		if limit.wait(ctx) {
			customer = s.rec.Customer
			customer.FormID = customer.Form(formID)
			a.reply = caller.Call(ctx, &customer)
		}
		replies <- a
	}
}

// graceThen cancels the calls in flight when they have had their time.
func graceThen(soft context.Context, grace time.Duration, abort, settled <-chan struct{}, cancel func()) {
	select {
	case <-soft.Done():
	case <-settled:
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-timer.C:
		cancel()
	case <-abort:
		cancel()
	case <-settled:
	}
}
