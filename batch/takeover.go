package batch

import (
	"encoding/json"
	"fmt"

	"bulkonboard/batch/known"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// TakenOver is what an interrupted run had done that another one takes over.
type TakenOver struct {
	Run     string
	Rows    int64 // written
	Answers int   // received, and not written
	Doubts  int   // calls that were in flight
}

// TakeOver ends an interrupted run that cannot be resumed, because its list has
// changed: it completes the ledger with the answers that only the journal has,
// and then clears the state. Killed anywhere, it comes to the same when it is
// done again: until the state is cleared it is as it was, and the ledger takes an
// answer twice as it takes it once. A state that is damaged is left as it is.
func TakeOver(dir *state.Dir, k *known.Known) (*TakenOver, error) {
	rec, err := dir.Recover()
	if err != nil {
		return nil, err
	}
	cp, totals := rec.Checkpoint, newTotals()
	if cp == nil || cp.Complete {
		return nil, &TakeOverError{"there is nothing to take over"}
	}
	if err := json.Unmarshal(cp.Extra, totals); err != nil {
		return nil, &TakeOverError{"its counts cannot be read: " + err.Error()}
	}
	if totals.LedgerRun != 0 && totals.LedgerRun != k.Ledger.RunNumber(cp.Run) {
		return nil, &TakeOverError{"the ledger does not have what that run has put there"}
	}
	answers, err := takeAnswered(rec, k.Abandon(cp.Run, totals.Measures.StartedAt, totals.Rows > 0))
	if err != nil {
		return nil, err
	}
	return &TakenOver{Run: cp.Run, Rows: cp.Row, Answers: answers, Doubts: rec.InDoubt}, dir.StartOver()
}

// takeAnswered takes what the journal has of the rows that are not written.
func takeAnswered(rec *state.Recovered, to *known.Abandoned) (answers int, err error) {
	for number, row := range rec.Rows {
		if row.Result == nil {
			continue
		}
		_, res, who, err := parseJournalResult(row.Result)
		if err != nil || who == nil {
			return 0, &TakeOverError{fmt.Sprintf("what its journal says of row %d was written by another version", number)}
		}
		to.Take(&res, who)
	}
	return to.Put()
}

// TakeOverError says why an interrupted run cannot be taken over.
type TakeOverError struct{ Reason string }

// Error names the ways out.
func (e *TakeOverError) Error() string {
	return "the list has changed since a run was interrupted, and that run cannot be taken over: " + e.Reason +
		"; restore the original list and run again to resume it, or start over with --restart (customers already called may be called again)"
}

// Superseded reports an interrupted run that is to be taken over, because the
// list which is read now, and ends there, is not the list that it began with.
func Superseded(cp *state.Checkpoint, binding Binding, ends source.Position) bool {
	if cp == nil || cp.Complete || endOf(cp).Row == 0 {
		return false // the normal path says what is wrong
	}
	return !binding.differs(cp.Binding, ToCustomers) && (endOf(cp) != ends || binding.differs(cp.Binding, ToFile))
}

// AnotherList reports a list that does not end where the one of an interrupted run
// did.
func AnotherList(cp *state.Checkpoint, ends source.Position) bool {
	return cp != nil && endOf(cp).Row > 0 && endOf(cp) != ends
}

// endOf is where the list of an interrupted run ended; zero: it is not known.
func endOf(cp *state.Checkpoint) source.Position {
	totals := newTotals()
	if json.Unmarshal(cp.Extra, totals) != nil {
		return source.Position{}
	}
	return totals.Ends
}
