package session

import (
	"context"
	"time"
)

// deadlines lends every attempt a context that ends when the attempt has had
// its time. One that did not end serves the next attempt, too:
// context.WithTimeout would make seven objects for each.
type deadlines struct {
	timeout time.Duration
	free    chan *deadline
}

// deadline is such a context. It ends with the context that it comes from, too.
type deadline struct {
	context.Context
	from   context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	lent   int // how many attempts have had it
}

// mostLent is how many attempts have one context: net/http leaves something of each
// call that fails on a connection of the pool with the context of that call.
const mostLent = 100

func newDeadlines(timeout time.Duration, kept int) deadlines {
	return deadlines{timeout: timeout, free: make(chan *deadline, kept)}
}

// begin lends a context for an attempt that begins now. Who has it gives it back.
func (d *deadlines) begin(from context.Context) *deadline {
	select {
	case l := <-d.free:
		if l.from == from && l.lent < mostLent {
			l.lent++
			l.timer.Reset(d.timeout)
			return l
		}
		l.cancel(nil)
	default:
	}
	ctx, cancel := context.WithCancelCause(from)
	timer := time.AfterFunc(d.timeout, func() { cancel(context.DeadlineExceeded) })
	return &deadline{Context: ctx, from: from, cancel: cancel, timer: timer, lent: 1}
}

// end takes a context back.
func (d *deadlines) end(l *deadline) {
	if l.timer.Stop() {
		select {
		case d.free <- l:
			return
		default:
		}
	}
	l.cancel(nil)
}
