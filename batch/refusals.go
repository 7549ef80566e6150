package batch

import (
	"fmt"

	"bulkonboard/sink"
)

// enoughAlike is how many rows must be refused in the same words, before any
// other answer, to look like a wrong form or mapping and not like bad rows.
const enoughAlike = 10

// refusals withholds the results of the first rows of a run as long as all of
// them are refused in the same words: bad data costs a row, but a bad
// configuration must cost none. Nil believes every refusal.
type refusals struct {
	withheld []entry
	sent     int  // of these
	over     bool // something else was answered, or the run ends
	wrong    bool // the configuration, as it turned out
}

// check marks an outcome as withheld while it may be the configuration's doing.
// It returns what is accepted from now on, or the error that ends the run.
func (r *refusals) check(e *entry) (accepted []entry, wrong error) {
	if r == nil || r.over {
		return nil, nil
	}
	same := len(r.withheld) == 0 || r.withheld[0].result.ErrorMessage == e.result.ErrorMessage && r.withheld[0].result.ErrorCode == e.result.ErrorCode
	if e.result.Status != sink.Rejected || !same {
		return r.accept(), nil
	}
	e.withheld = true
	r.withheld = append(r.withheld, *e)
	if r.sent++; r.sent < enoughAlike {
		return nil, nil
	}
	r.over, r.wrong = true, true
	return nil, &RefusalsError{Rows: r.sent, Code: e.result.ErrorCode, Message: e.result.ErrorMessage}
}

// withhold withholds the refusal of a row that was not sent, because it was that of
// an earlier one: it stands or falls with it, and is not a further reason.
func (r *refusals) withhold(e *entry) {
	if r != nil && !r.over && e.result.Status == sink.Rejected {
		e.withheld = true
		r.withheld = append(r.withheld, *e)
	}
}

// covers reports a result that the error covers, of a call that was in
// flight then.
func (r *refusals) covers(res *sink.Result) bool {
	return r != nil && r.wrong && res.Status == sink.Rejected
}

// accept ends the suspicion, and gives the results that were withheld.
func (r *refusals) accept() []entry {
	if r == nil || r.over {
		return nil
	}
	r.over = true
	accepted := r.withheld
	r.withheld = nil
	return accepted
}

// RefusalsError ends a run whose first rows were all refused in the same
// words. They stay unprocessed.
type RefusalsError struct {
	Rows    int
	Code    string
	Message string // the server's words, safe to show
}

// Error names what is probably wrong, and the way out if it is not.
func (e *RefusalsError) Error() string {
	return fmt.Sprintf("the first %d rows were all refused in the same words (%s: %q), so something else than the rows is probably wrong; "+
		"check --form-id and the columns (bulkonboard check shows them), then run again; if the rows are really at fault, add --max-failures 100%%", e.Rows, e.Code, e.Message)
}
