package batch

import (
	"errors"
	"fmt"
)

// Wave is a number of calls that a run may begin before it stops, for a person
// to look at what came of them. A start that ends earlier, killed or told to
// stop, leaves the rest of its wave to the next one: however often a run is
// started again, a wave begins no more calls than its size.
type Wave struct {
	Size  int64 `json:"size"`
	After int64 `json:"after"` // calls that the run had begun before the wave
}

// openWave opens a wave, or resumes the wave that is open, and says how many
// calls are left of it. It comes before the commit that each start begins with,
// so the wave is on record before its first call. A wave of another size is a
// new decision, and so is none.
func (r *run) openWave() *callsLeft {
	if r.MaxCalls <= 0 {
		r.totals.Wave = nil
		return nil
	}
	begun := r.totals.Called
	for _, row := range r.leftover {
		if row.attempts > 0 {
			begun++
		}
	}
	if w := r.totals.Wave; w == nil || w.Size != r.MaxCalls {
		r.totals.Wave = &Wave{Size: r.MaxCalls, After: begun}
	}
	left := max(0, r.totals.Wave.After+r.MaxCalls-begun)
	return &callsLeft{size: r.MaxCalls, atStart: left, left: left}
}

// callsLeft is what is left of a Wave in this start. It belongs to the dispatcher;
// nil sets no limit.
type callsLeft struct {
	size, atStart, left int64
	over                bool // a row was left to the next wave
}

// takes reports whether a row may be sent: one that was begun before, or one
// that is begun now, while there are calls left. A row that is not taken stays
// in the window without a result, which is where the results of this start end.
func (w *callsLeft) takes(s *slot) bool {
	switch {
	case w == nil || s.sent > 0 || s.taken:
		return true
	case w.left == 0:
		w.over = true
		return false
	}
	w.left--
	s.taken = true
	return true
}

// usedUp reports that no new call may begin. The run then ends as one does whose
// list ends here: what was begun is finished.
func (w *callsLeft) usedUp() bool { return w != nil && w.left == 0 }

// end is why the run stops, once all is done that was begun; nil when the list
// ended no later than the wave.
func (w *callsLeft) end() error {
	if w == nil || !w.over {
		return nil
	}
	return &CallsError{Size: w.size, Begun: w.atStart - w.left}
}

// closes reports whether the next start begins a new wave. A wave that was used
// up is also over when an outage has kept it from being finished: it may be its
// rows that fail, and others have to be asked to find out.
func (w *callsLeft) closes(cause error) bool {
	var reached *CallsError
	var outage *OutageError
	return errors.As(cause, &reached) || w.usedUp() && errors.As(cause, &outage)
}

// CallsError is the cause of a run that has begun as many calls as it was to.
type CallsError struct {
	Size  int64 // of the wave
	Begun int64 // of its calls, those of this start
}

// Error says that nothing is lost and how to resume.
func (e *CallsError) Error() string {
	earlier := ""
	if e.Begun < e.Size {
		earlier = fmt.Sprintf(" (%d in this start; the others in an earlier start that did not reach the limit)", e.Begun)
	}
	return fmt.Sprintf("--max-calls %d is reached%s; what is done is kept: look at the results so far, then run the same command again for the next %d",
		e.Size, earlier, e.Size)
}
