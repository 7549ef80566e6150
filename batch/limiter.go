package batch

import (
	"context"
	"time"
)

// limiter lets attempts out one after another, as the ceiling has it. It is safe
// for concurrent use. A nil one is open.
type limiter struct {
	turn    chan struct{} // holds one token: its holder is next
	ceiling *ceiling      // covered by turn
}

func newLimiter(ceiling *ceiling) *limiter {
	if ceiling == nil {
		return nil
	}
	l := &limiter{turn: make(chan struct{}, 1), ceiling: ceiling}
	l.turn <- struct{}{}
	return l
}

// wait waits until an attempt may go, and reports false when ctx is done first.
// The time that counts is when it goes, not when it was to: so the ceiling
// holds however late a timer is.
func (l *limiter) wait(ctx context.Context) bool {
	if l == nil {
		return ctx.Err() == nil
	}
	select {
	case <-l.turn:
	case <-ctx.Done():
		return false
	}
	defer func() { l.turn <- struct{}{} }()
	for {
		now := time.Now()
		at := l.ceiling.next(now)
		if !at.After(now) {
			l.ceiling.take(now)
			return ctx.Err() == nil
		}
		select {
		case <-time.After(at.Sub(now)):
		case <-ctx.Done():
			return false
		}
	}
}
