package batch

import (
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/sync/semaphore"

	"bulkonboard/batch/customers"
	"bulkonboard/batch/known"
	"bulkonboard/batch/pace"
	"bulkonboard/sink"
	"bulkonboard/source"
)

const (
	// windowBytes bounds the records that are read and not yet written: the
	// whole of what a run keeps in memory. With what is reckoned for each, it
	// bounds their number, too; windowRecords does for those that need a call,
	// which go through the order one by one. The window must be deep, because
	// results leave in order: a row in its last backoff holds up the writer, and
	// the rows behind it go on until the window is full.
	windowRecords = 16384
	windowBytes   = 16 << 20

	// recordOverhead is what a record costs beyond twice its raw bytes:
	// cells, customer, slot and result.
	recordOverhead = 768
)

// slot carries one record through the pipeline. The reader puts it into the
// order first and then into the work, so the order is the reorder window, and
// the result comes back on the slot itself: nothing is ever matched by index.
type slot struct {
	rec     *source.Record
	err     error            // instead of rec: reading ended here
	next    *slot            // of the rows that go together
	weight  int64            // of the byte window; the first of a chain has that of all
	family  customers.Family // the rows of its customer, when there are several
	given   *sink.Result     // a result that the row has already, and later rows of its customer ask for
	known   bool             // and that is what the ledger knows
	key     uint32           // of the customer there; 0 when it did not answer
	earlier bool             // and that is of another run or part
	doubts  int              // interruptions that caught a call of this row in flight
	refused string           // the error code with which an earlier run refused the row
	who     *known.Identity  // of the customer in the ledger, once the journal has an outcome; nil before

	// result is the one result, once it takes effect: from then on the writer may
	// write it. Nothing changes what it points to.
	result atomic.Pointer[sink.Result]

	// What follows belongs to the dispatcher.
	customer  string // identity, as the API compares it
	sent      int    // attempts sent, in this run and before
	number    int64  // of the last attempt among all of this start
	ticket    pace.Ticket
	blame     pace.Blame // what counts against --max-attempts
	began     bool       // its customer is under way, or it is sent
	taken     bool       // into the wave, to be sent
	throttled bool       // more than once, by itself
	readyAt   time.Time
	delays    *backoff.ExponentialBackOff
}

// remember takes in what an earlier run made of a row that is sent again: that
// it fails once more says little of the service.
func (s *slot) remember(res *sink.Result) {
	switch res.Status {
	case sink.Failed:
		if !s.blame.Tried() {
			s.blame = pace.Seen()
		}
	case sink.Rejected:
		s.refused = res.ErrorCode
	default:
	}
}

func newSlot(rec *source.Record) *slot {
	return &slot{rec: rec, weight: 2*int64(len(rec.Raw)) + recordOverhead}
}

// bell wakes the one who waits for something to have happened, and looks for
// himself what. Rung again before he has looked, it wakes him once.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// chainRows and chainBytes bound the rows that go through the order together.
const (
	chainRows  = 64
	chainBytes = 1 << 20
)

// chain is rows that go through the order together, so that the writer is not
// woken for each of them: those that have their result, and behind them at most
// one that needs a call.
type chain struct {
	first, last *slot
	rows        int
}

func (c *chain) add(s *slot) {
	if c.rows++; c.first == nil {
		c.first, c.last = s, s
		return
	}
	c.first.weight += s.weight
	c.last.next, c.last = s, s
}

func (c *chain) full() bool { return c.rows == chainRows || c.first.weight >= chainBytes }

// jam says whether the window is full, so that no row comes until one is
// written. The bell wakes the dispatcher, who may be the one to bring that about.
type jam struct {
	on   atomic.Bool
	bell bell
}

func newJam() *jam { return &jam{bell: newBell()} }

func (j *jam) begin() {
	j.on.Store(true)
	j.bell.ring()
}

func (j *jam) end() { j.on.Store(false) }

// newWindow returns the byte side of the bound; the capacity of the order is the
// other. A chain larger than the budget takes all of it and passes alone.
func newWindow() *semaphore.Weighted {
	return semaphore.NewWeighted(windowBytes)
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
