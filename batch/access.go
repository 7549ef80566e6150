package batch

import (
	"context"
	"net/http"
	"slices"
	"time"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

const (
	// askAfter is how long nothing else may tell before the service is asked, also
	// after it was.
	askAfter = time.Second

	// doubtFor is how long it is taken for an outage that the service fails what is
	// asked in another way than it fails rows: an outage has many faces, but a
	// deployment may lack what is asked, and answer as it likes. No question waits
	// longer, either, however long the service asks to wait.
	doubtFor = 5 * time.Minute
)

// access asks the service about itself, in a way that names no customer, when no
// other row is left to compare one with. It belongs to the dispatcher.
type access struct {
	ask       func(context.Context) session.Reply // nil: nothing can be asked
	wanted    time.Time                           // since when an answer is needed; zero: none is
	asked     time.Time                           // the last time
	notBefore time.Time                           // as the service asked to wait
	answer    chan answer                         // nil unless it is being asked

	well       bool          // it has said that it is well
	rowFailed  session.Reply // the last that a row got, unless one succeeded since
	failsAlike bool          // what is asked fails as a row did
	doubted    time.Time     // since when it fails in another way; zero: it does not
}

// answer is what the service said of itself.
type answer struct {
	asked time.Time
	reply session.Reply
}

// due is when to ask, where no call is sent before a time.
func (a *access) due(before time.Time) time.Time {
	return slices.MaxFunc([]time.Time{a.wanted.Add(askAfter), a.asked.Add(askAfter), a.notBefore, before}, time.Time.Compare)
}

// begin asks, without waiting for the answer.
func (a *access) begin(ctx context.Context, now time.Time) {
	a.asked, a.answer = now, make(chan answer, 1)
	go func(to chan<- answer) { to <- answer{now, a.ask(ctx)} }(a.answer)
}

// end waits until nothing is asked any more, after its context has ended.
func (a *access) end() {
	if a.answer != nil {
		<-a.answer
	}
}

// succeeded takes in that the service did well by a row.
func (a *access) succeeded() {
	a.rowFailed, a.failsAlike, a.doubted = session.Reply{}, false, time.Time{}
}

// holds reports that the credentials and the tenant are right, after they were: they
// may have been revoked since. Only the API's own word counts against them: a gateway
// may refuse an address that it does not know. A service that is just not well is
// not believed to take them.
func holds(said *session.Reply) bool {
	switch said.Outcome {
	case session.CredentialsRefused, session.TenantRefused:
		return !said.Recognised
	}
	class := meaningOf(said).class
	return class == pace.Accepted || class == pace.Fault
}

// fails reports that what the service says of itself is that it fails. That is
// believed once it has said that it is well, and as long as it fails as it fails rows.
// Otherwise it is believed for a while, if it is a failure of a whole service.
func (a *access) fails(now time.Time, said *session.Reply, rows []undecidedRow) bool {
	asRows := alike(said, &a.rowFailed) || slices.ContainsFunc(rows, func(row undecidedRow) bool { return alike(said, &row.reply) })
	switch said.Outcome {
	case session.Unreachable, session.TLSRefused, session.Cancelled:
		return true
	case session.CredentialsRefused, session.TenantRefused: // what a row gets decides
		return said.Recognised
	case session.NotTheAPI:
		return a.well || asRows && a.doubts(now)
	case session.Throttled: // perhaps of itself alone
		a.failsAlike = a.failsAlike || asRows
		return a.failsAlike || a.doubts(now)
	case session.Unavailable, session.InDoubt, session.Failed:
		a.failsAlike = a.failsAlike || asRows
		return a.failsAlike || a.well || ofService(said) && a.doubts(now)
	default:
		a.well = a.well || said.Outcome == session.OK
		return false
	}
}

// doubts reports that it may still be an outage, though what is asked fails in a way of
// its own.
func (a *access) doubts(now time.Time) bool {
	if a.doubted.IsZero() {
		a.doubted = now
	}
	return now.Sub(a.doubted) < doubtFor
}

// ofService reports a failure by which whole services fail.
func ofService(r *session.Reply) bool {
	return r.Status == 0 || r.Status >= http.StatusInternalServerError
}

// alike reports that two calls failed in the same way.
func alike(a, b *session.Reply) bool {
	return a.Outcome == b.Outcome && a.Status == b.Status && (ofService(a) || a.Code == b.Code)
}
