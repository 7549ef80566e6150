package batch

import (
	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/source"
)

// signalOf is what an answer says about the service as a whole, as opposed to
// the row.
func signalOf(a *session.Answer) pace.Signal {
	s := pace.Signal{Class: classOf(a.Outcome)}
	if a.RetryAfterSet {
		s.RetryAfter = a.RetryAfter
	}
	return s
}

func classOf(o session.Outcome) pace.Class {
	switch o {
	case session.OK, session.Rejected:
		return pace.Accepted
	case session.Throttled:
		return pace.Throttled
	case session.Failed, session.NotTheAPI:
		return pace.Fault
	case session.Unavailable, session.Unreachable, session.InDoubt:
		return pace.Down
	default:
		return pace.Neutral
	}
}

// customerOf is the identity of a record's customer, as the API compares it.
func customerOf(rec *source.Record, formID string) string {
	return source.CustomerKey(formOf(&rec.Customer, formID), rec.Customer.Email)
}
