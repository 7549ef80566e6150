package batch

import (
	"context"
	"sync/atomic"
	"time"

	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/session"
	"bulkonboard/batch/state"
	"bulkonboard/sink"
)

// journalBatch bounds how many entries one write of the journal takes.
const journalBatch = 512

// syncEvery is how long a written entry may wait for its fsync: what a power
// cut, as opposed to a crash of the process, can take away.
const syncEvery = 100 * time.Millisecond

// Journal is that of a run as the engine uses it: Append writes entries in one
// write, in the caller's order, and Sync makes what was written durable. Sync
// runs beside Append. *state.Dir implements it.
type Journal interface {
	Append(entries []state.Entry) error
	Sync() error
}

// effective is not a fact for the journal: a result that is in it, and was
// withheld, takes effect.
const effective state.Kind = 0

// entry is one thing the journal must know before anything else does.
type entry struct {
	kind    state.Kind
	slot    *slot
	attempt int
	charged int          // attempts that count against the row, of an end
	result  *sink.Result // its readers only read it
	// withheld results go into the journal and do not take effect.
	withheld bool
}

// journaler writes entries and only then lets them take effect: an intent
// becomes a call, a result becomes the slot's.
type journaler struct {
	journal Journal
	entries <-chan entry   // owned by the dispatcher
	calls   chan<- *slot   // owned by the journaler; room for every call in flight
	replies chan<- attempt // takes back what cannot be sent
	ready   notifier       // rows have got their results
	settled chan<- struct{}
	monitor *measure.Monitor
	stop    context.CancelCauseFunc

	known  *known.Known // nil without a ledger
	hasher *ledger.Hasher

	unsynced atomic.Bool
	broken   error // what was wrong with the journal; nothing takes effect after it
	records  []state.Entry
	payloads []byte
}

// run writes until the dispatcher has no more entries, then makes all of it
// durable and reports that no further result will come.
func (j *journaler) run() error {
	defer close(j.settled)
	defer close(j.calls)
	synced := make(chan struct{})
	done := make(chan struct{})
	go j.syncRegularly(done, synced)
	batch := make([]entry, 0, journalBatch)
	for first := range j.entries {
		batch = append(batch[:0], first)
		for range min(len(j.entries), journalBatch-1) {
			batch = append(batch, <-j.entries)
		}
		j.write(batch)
	}
	close(done)
	<-synced
	if j.broken != nil {
		return j.broken
	}
	return j.sync()
}

func (j *journaler) write(batch []entry) {
	if j.broken == nil {
		if j.broken = j.journal.Append(j.encode(batch)); j.broken != nil {
			j.stop(j.broken)
		}
		j.unsynced.Store(true)
	}
	for i := range batch {
		j.release(&batch[i])
	}
}

// release lets an entry take effect. Behind a broken journal nothing does: a
// call that is not on record is not made, and an answer that is not on record
// is not written as a result.
func (j *journaler) release(e *entry) {
	switch {
	case e.kind == state.Intent && j.broken != nil:
		j.replies <- attempt{slot: e.slot, reply: session.Reply{Outcome: session.Cancelled}}
	case e.kind == state.Intent:
		j.calls <- e.slot
	case (e.kind == state.Result && !e.withheld || e.kind == effective) && j.broken == nil:
		e.slot.result.Store(e.result)
		j.monitor.Answer()
		j.ready.notify()
	}
}

func (j *journaler) encode(batch []entry) []state.Entry {
	j.records, j.payloads = j.records[:0], j.payloads[:0]
	for i := range batch {
		e := &batch[i]
		if e.kind == effective {
			continue
		}
		record := state.Entry{Kind: e.kind, Row: e.slot.rec.Row, Attempt: e.attempt}
		if e.kind == state.Result {
			from := len(j.payloads)
			j.payloads = appendJournalResult(j.payloads, e.slot.rec.Fingerprint(), e.result)
			if j.known != nil {
				e.slot.who = j.known.Identify(j.hasher, e.slot.rec)
				j.payloads = e.slot.who.Append(j.payloads)
			}
			record.Payload = j.payloads[from:]
		}
		j.records = append(j.records, record)
		if e.charged > 0 {
			j.records = append(j.records, state.Entry{Kind: state.Charged, Row: record.Row, Attempt: e.charged})
		}
	}
	return j.records
}

// syncRegularly is the group commit. A failed fsync ends the run and is never
// tried again: the kernel may have dropped the very pages that failed.
func (j *journaler) syncRegularly(done <-chan struct{}, synced chan<- struct{}) {
	defer close(synced)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if err := j.sync(); err != nil {
				j.stop(err)
				return
			}
		}
	}
}

func (j *journaler) sync() error {
	if !j.unsynced.Swap(false) {
		return nil
	}
	return j.journal.Sync()
}
