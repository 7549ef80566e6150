package batch

import (
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
)

// signalOf is what an answer says about the service as a whole, as opposed to
// the row.
func signalOf(a *session.Reply) pace.Signal {
	s := pace.Signal{Class: classOf(a.Outcome), Latency: a.Latency, Concurrent: a.Limit.Concurrent}
	switch s.Class {
	case pace.Fault, pace.Down, pace.Unreachable:
		s.Cause, s.Setup = cause(a), a.WrongSetUp()
	}
	switch {
	case a.RetryAfterSet:
		s.RetryAfter = a.RetryAfter
	case s.Class == pace.Throttled && a.Limit.RemainingSet && a.Limit.Remaining == 0:
		s.RetryAfter = a.Limit.Reset
	}
	if a.Limit.Quota > 0 && a.Limit.Window > 0 {
		s.Quota = a.Limit.Quota / a.Limit.Window.Seconds()
	}
	return s
}

// cause is a failure for people. A text that had the secret in it is its code.
func cause(a *session.Reply) string {
	if a.Message == "" || a.Message == a.Code {
		return a.Code
	}
	return a.Code + ": " + a.Message
}

func classOf(o session.Outcome) pace.Class {
	switch o {
	case session.OK, session.Rejected:
		return pace.Accepted
	case session.Throttled:
		return pace.Throttled
	case session.Failed, session.NotTheAPI, session.InDoubt:
		return pace.Fault
	case session.Unavailable:
		return pace.Down
	case session.Unreachable, session.TLSRefused:
		return pace.Unreachable
	default:
		return pace.Neutral
	}
}
