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
	// deployment may lack what is asked, and answer as it likes.
	doubtFor = 5 * time.Minute
)

// access asks the service about itself, in a way that names no customer, when no
// other row is left to compare one with. It belongs to the dispatcher.
type access struct {
	ask    func(context.Context) session.Reply // nil: nothing can be asked
	wanted time.Time                           // since when an answer is needed; zero: none is
	asked  time.Time                           // the last time
	before time.Time                           // no question: the service asked to wait
	answer chan answer                         // nil unless it is being asked

	well   bool          // it has done well
	failed session.Reply // to a row, the last that failed, unless one succeeded since
	alike  bool          // and it has failed in that way
	unlike time.Time     // since when it fails in another way; zero: it does not
}

// answer is what the service said of itself.
type answer struct {
	asked time.Time
	reply session.Reply
}

// due is when to ask, where no call is sent before a time.
func (a *access) due(before time.Time) time.Time {
	return slices.MaxFunc([]time.Time{a.wanted.Add(askAfter), a.asked.Add(askAfter), a.before, before}, time.Time.Compare)
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
func (a *access) succeeded() { a.failed, a.alike, a.unlike = session.Reply{}, false, time.Time{} }

// revoked reports that the credentials or the tenant are refused, after they were
// taken. Only the API's own word counts: a gateway may refuse an address that it does
// not know.
func revoked(said *session.Reply) bool {
	return said.Recognised && (said.Outcome == session.CredentialsRefused || said.Outcome == session.TenantRefused)
}

// holds reports that the credentials and the tenant are right. A service that is just
// not well is not believed to take them.
func holds(said *session.Reply) bool {
	switch said.Outcome {
	case session.CredentialsRefused, session.TenantRefused:
		return !revoked(said)
	}
	class := meaningOf(said).class
	return class == pace.Accepted || class == pace.Fault
}

// fails reports that what the service says of itself is that it fails. That is
// believed once it has done well, and as long as it fails as it fails rows; else for a
// while. That too much is asked of it says little of other calls.
func (a *access) fails(now time.Time, said *session.Reply, rows []undecidedRow) bool {
	switch said.Outcome {
	case session.Unreachable, session.Cancelled:
		return true
	case session.NotTheAPI:
		return a.well
	case session.Throttled, session.Unavailable, session.InDoubt, session.Failed:
		a.alike = a.alike || alike(said, &a.failed) ||
			slices.ContainsFunc(rows, func(row undecidedRow) bool { return alike(said, &row.reply) })
		if a.unlike.IsZero() {
			a.unlike = now
		}
		return a.alike || a.well && said.Outcome != session.Throttled || now.Sub(a.unlike) < doubtFor
	default:
		a.well, a.unlike = a.well || meaningOf(said).class == pace.Accepted, time.Time{}
		return false
	}
}

// alike reports that two calls failed in the same way.
func alike(a, b *session.Reply) bool {
	telling := a.Status == 0 || a.Status >= http.StatusInternalServerError
	return a.Outcome == b.Outcome && a.Status == b.Status && (telling || a.Code == b.Code)
}
