package batch

import (
	"context"
	"net/http"
	"time"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

// askEvery is how long what the service said of itself is believed.
const askEvery = 10 * time.Second

// access asks the service about itself, in a way that names no customer, when no
// other row is left to compare one with. The dispatcher waits for the reply:
// there is little else to do by then.
type access struct {
	ask   func(context.Context) session.Reply // nil: nothing can be asked
	asked time.Time                           // by isOutage, the last time
	said  session.Reply                       // by then
}

// holds reports that the credentials and the tenant are right, after they were:
// they may have been revoked since. Only the API's own word counts against them:
// a gateway may refuse an address that it does not know. A service that is just
// not well is not believed to take them.
func (a *access) holds(ctx context.Context) bool {
	if a.ask == nil {
		return true
	}
	reply := a.ask(ctx)
	switch reply.Outcome {
	case session.CredentialsRefused, session.TenantRefused:
		return !reply.Recognised
	}
	class := meaningOf(&reply).class
	return class == pace.Accepted || class == pace.Fault
}

// isOutage reports that the service fails this as it failed a row, which is not at
// fault then. Where the two fail in different ways, a deployment may lack what is
// asked, and answer so.
func (a *access) isOutage(ctx context.Context, now time.Time, row *session.Reply) bool {
	if a.ask == nil {
		return false
	}
	if a.asked.IsZero() || now.Sub(a.asked) >= askEvery {
		a.said, a.asked = a.ask(ctx), now
	}
	switch said := &a.said; said.Outcome {
	case session.Unreachable, session.Cancelled:
		return true
	case session.Unavailable, session.InDoubt, session.Failed:
		return said.Outcome == row.Outcome && said.Status == row.Status && (said.Status == 0 || said.Status >= http.StatusInternalServerError)
	default:
		return false
	}
}
