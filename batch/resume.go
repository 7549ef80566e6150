package batch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"

	"bulkonboard/batch/state"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// recover takes up what an interrupted run left: its position, its counts, and
// the answers in its journal. They reach the results by the normal path.
func (r *run) recover() error {
	rec, err := r.State.Recover()
	if err != nil {
		return err
	}
	r.totals = newTotals()
	if rec.Checkpoint == nil {
		return nil
	}
	if nothingDone(rec) && len(r.Binding.differences(rec.Checkpoint.Binding)) > 0 || untouched(rec) && r.Ends.Row > 0 && AnotherList(rec.Checkpoint, r.Ends) {
		// A wrong tenant, say, that was refused on the first call and has
		// been fixed: there is nothing to resume. What the journal has of the
		// attempts for a row is not for the row of another list.
		if err := r.State.StartOver(); err != nil {
			return err
		}
		_, err := r.State.Recover()
		return err
	}
	if err := r.takeUp(rec.Checkpoint); err != nil {
		return err
	}
	if r.Ends.Row < r.totals.Ends.Row && !rec.Checkpoint.Complete && !nothingDone(rec) {
		return &source.ChangedError{Name: r.List.Name(), At: r.totals.Ends, Reason: fmt.Sprintf("it has only %d rows now", r.Ends.Row)}
	}
	if rec.Checkpoint.Complete {
		r.published = true
		return r.State.Publish(*rec.Checkpoint, r.targets())
	}
	r.totals.Resumed++
	r.findInLedger()
	r.learned.Store(math.Float64bits(r.totals.Learned))
	if err := r.takeJournal(rec.Rows); err != nil {
		return err
	}
	r.proven = r.totals.Status[sink.OK] > 0 || r.answeredOK
	r.Pace.Proven = r.proven
	r.Pace.Start = cmp.Or(r.Pace.Start, r.totals.Learned)
	if rec.Torn > 0 {
		r.Log.Warn("the end of the journal was lost, as in a power cut: calls that it was about are made again", "event", "journal_torn", "bytes", rec.Torn)
	}
	r.Log.Info("resuming", "event", "resume", "rows_done", r.from.Row, "answers_from_journal", r.answered, "calls_in_doubt", rec.InDoubt)
	return nil
}

// untouched reports a run in which no row has a result, so that nothing depends on
// its list.
func untouched(rec *state.Recovered) bool {
	for _, row := range rec.Rows {
		if row.Result != nil {
			return false
		}
	}
	return rec.Checkpoint.Row == 0 && !rec.Checkpoint.Complete
}

// nothingDone reports an untouched run without a call that may have been processed.
func nothingDone(rec *state.Recovered) bool {
	for _, row := range rec.Rows {
		if row.Doubts > 0 {
			return false
		}
	}
	return untouched(rec)
}

// findInLedger finds the number of the run in the ledger. An older copy that was put
// back meanwhile does not have it, nor the customers of the rows that are written:
// another run may get the number.
func (r *run) findInLedger() {
	if r.Known == nil || r.totals.LedgerRun == 0 {
		return
	}
	if number := r.Known.Ledger.RunNumber(r.ID); number != r.totals.LedgerRun {
		r.totals.LedgerRun = number
		r.Log.Warn("the ledger does not have what this run has put there, as when an older copy of it was put back; once the run is complete, add its customers: bulkonboard ledger import RESULTS", "event", "ledger_older")
	}
}

// takeJournal decodes what the journal knows of the rows behind the checkpoint.
func (r *run) takeJournal(rows map[int64]*state.Row) error {
	r.leftover = make(leftover, len(rows))
	for number, row := range rows {
		j := journalled{attempts: row.Attempts, doubts: row.Doubts, charged: row.Charged}
		if row.Result != nil {
			var err error
			if j.print, j.result, _, err = parseJournalResult(row.Result); err != nil {
				return fmt.Errorf("row %d: %w; the state was written by another version: finish with that one, or start over with --restart", number, err)
			}
			j.answered = true
			r.answeredOther = r.answeredOther || j.result.Status != sink.Rejected
			r.answeredOK = r.answeredOK || j.result.Status == sink.OK
			r.answered++
		}
		r.leftover[number] = j
	}
	return nil
}

// takeUp checks that the checkpoint is of this very job and continues from it.
func (r *run) takeUp(cp *state.Checkpoint) error {
	if changed := r.Binding.differences(cp.Binding); len(changed) > 0 {
		return &ChangedError{Changes: changed}
	}
	for _, bond := range r.Binding.unrecorded(cp.Binding) {
		r.Log.Warn("this run was begun by an earlier version, which did not record its "+bond.Name+": it resumes with "+bond.Value, "event", "unrecorded", "setting", bond.Name)
	}
	if err := json.Unmarshal(cp.Extra, r.totals); err != nil {
		return &FormatError{fmt.Sprintf("the counts in the checkpoint cannot be read (%v); start over with --restart", err)}
	}
	r.from = source.Position{Row: cp.Row, Line: cp.Line, Offset: cp.Offset, Sum: cp.Sum}
	return nil
}
