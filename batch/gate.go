package batch

import (
	"context"
	"time"
)

// gate lets attempts out one after another, as the ceiling has it. It is safe
// for concurrent use. A nil one is open.
type gate struct {
	turn    chan struct{} // holds one token: its holder is next
	ceiling *ceiling      // covered by turn
}

func newGate(ceiling *ceiling) *gate {
	if ceiling == nil {
		return nil
	}
	g := &gate{turn: make(chan struct{}, 1), ceiling: ceiling}
	g.turn <- struct{}{}
	return g
}

// pass waits until an attempt may go, and reports false when ctx is done first.
// The time that counts is when it goes, not when it was to: so the ceiling
// holds however late a timer is.
func (g *gate) pass(ctx context.Context) bool {
	if g == nil {
		return ctx.Err() == nil
	}
	select {
	case <-g.turn:
	case <-ctx.Done():
		return false
	}
	defer func() { g.turn <- struct{}{} }()
	for {
		now := time.Now()
		at := g.ceiling.next(now)
		if !at.After(now) {
			g.ceiling.take(now)
			return ctx.Err() == nil
		}
		select {
		case <-time.After(at.Sub(now)):
		case <-ctx.Done():
			return false
		}
	}
}
