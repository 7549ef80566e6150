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
	ask   func(context.Context) session.Reply // nil: nobody can be asked
	asked time.Time                           // by out, the last time
	down  bool                                // by then
}

// holds reports that the credentials and the tenant are right, after they were:
// they may have been revoked since. A service that cannot be asked about them is
// believed to take them, unless it is just not well.
func (a *access) holds(ctx context.Context) bool {
	if a.ask == nil {
		return true
	}
	reply := a.ask(ctx)
	class := meaningOf(&reply).class
	return class == pace.Accepted || class == pace.Fault
}

// out reports that the service fails whatever it is asked, so that a row that it
// fails is not at fault.
func (a *access) out(ctx context.Context, now time.Time) bool {
	if a.ask == nil {
		return false
	}
	if a.asked.IsZero() || now.Sub(a.asked) >= askEvery {
		reply := a.ask(ctx)
		a.asked = now
		switch reply.Outcome {
		case session.Unavailable, session.Unreachable, session.InDoubt, session.Cancelled:
			a.down = true
		default:
			a.down = reply.Status >= http.StatusInternalServerError
		}
	}
	return a.down
}
