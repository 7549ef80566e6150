package batch

import (
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

const (
	// windowBytes bounds the records that are read and not yet written: the
	// whole of what a run keeps in memory. With what is reckoned for each, it
	// bounds their number, too; windowRecords does for those that need a call,
	// which go through the order one by one. The window must be deep, because
	// results leave in order: a row in its last backoff holds up the writer, and
	// the rows behind it continue until the window is full.
	windowRecords = 16384
	windowBytes   = 16 << 20

	// recordOverhead is what a record costs beyond twice its raw bytes:
	// cells, customer, slot and result.
	recordOverhead = 768
)

// newWindow returns the byte side of the bound; the capacity of the order is the
// other. A group larger than the budget takes all of it and passes alone.
func newWindow() *semaphore.Weighted {
	return semaphore.NewWeighted(windowBytes)
}

// groupRows and groupBytes bound the rows that go through the order together.
const (
	groupRows  = 64
	groupBytes = 1 << 20
)

// group is rows that go through the order together, so that the writer is not
// woken for each of them: those that have their result, and behind them at most
// one that needs a call.
type group struct {
	first, last *slot
	rows        int
}

func (g *group) add(s *slot) {
	if g.rows++; g.first == nil {
		g.first, g.last = s, s
		return
	}
	g.first.weight += s.weight
	g.last.next, g.last = s, s
}

func (g *group) full() bool { return g.rows == groupRows || g.first.weight >= groupBytes }

// backpressure says whether the window is full, so that no row comes until one
// is written. The dispatcher, who may be the one to bring that about, is notified
// when it begins.
type backpressure struct {
	on      atomic.Bool
	changed notifier
}

func newBackpressure() *backpressure { return &backpressure{changed: newNotifier()} }

func (b *backpressure) begin() {
	b.on.Store(true)
	b.changed.notify()
}

func (b *backpressure) end() { b.on.Store(false) }

// notifier wakes one goroutine, which then looks for itself what has happened.
// Notified again before it has looked, it is woken once.
type notifier chan struct{}

func newNotifier() notifier { return make(notifier, 1) }

func (n notifier) notify() {
	select {
	case n <- struct{}{}:
	default:
	}
}
