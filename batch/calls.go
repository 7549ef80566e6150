package batch

import (
	"context"
	"time"

	"bulkonboard/batch/session"
	"bulkonboard/sink"
	"bulkonboard/source"
)

// Caller sends one attempt for one customer. It must be safe for concurrent
// use, must return soon after ctx is done, and reports every failure in the
// answer. It does not keep r, which the next call changes. *session.Client
// implements it.
type Caller interface {
	Call(ctx context.Context, r *session.Request) session.Reply
}

// attempt is one call of the Caller, on its way out and back.
type attempt struct {
	slot   *slot
	answer session.Reply
}

// sendAttempts sends until there are no more. As many of it run as calls may
// be in flight. answers has room for all of them, so a worker never waits to
// give one back.
//
// An attempt was paced when it was decided upon, and may have been held up by
// the disk since. The gate spaces such attempts out again, right before they
// go, so that a stall is not followed by a burst above the ceiling.
func sendAttempts(ctx context.Context, caller Caller, through *gate, formID string, calls <-chan attempt, answers chan<- attempt) {
	var request session.Request
	for a := range calls {
		if !through.pass(ctx) {
			a.answer = session.Reply{Outcome: session.Cancelled}
		} else {
			request = requestOf(&a.slot.rec.Customer, formID)
			a.answer = caller.Call(ctx, &request)
		}
		answers <- a
	}
}

// graceThen cancels the calls in flight when they have had their time.
func graceThen(soft context.Context, grace time.Duration, abort, settled <-chan struct{}, cancel func()) {
	select {
	case <-soft.Done():
	case <-settled:
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-timer.C:
		cancel()
	case <-abort:
		cancel()
	case <-settled:
	}
}

func requestOf(c *source.Customer, formID string) session.Request {
	return session.Request{
		FormID:             c.Form(formID),
		CustomerType:       c.Type,
		Email:              c.Email,
		MobileNumber:       c.MobileNumber,
		EmployeeID:         c.EmployeeID,
		ClientID:           c.ClientID,
		SendEmail:          c.SendEmail,
		FirstName:          c.FirstName,
		LastName:           c.LastName,
		FullName:           c.FullName,
		RegistrationNumber: c.RegistrationNumber,
		TradingName:        c.TradingName,
	}
}

// resultOf is the final result of a slot whose last answer is a.
func resultOf(s *slot, a *session.Reply, now time.Time) sink.Result {
	res := sink.Result{Attempts: s.sent, ProcessedAt: now, ErrorCode: a.Code, ErrorMessage: a.Message}
	switch a.Outcome {
	case session.OK:
		res.Status, res.SessionID, res.ErrorCode, res.ErrorMessage = sink.OK, a.SessionID, "", ""
		res.Expires = a.Expires.Truncate(time.Second)
	case session.Rejected, session.CredentialsRefused, session.TenantRefused:
		res.Status = sink.Rejected
	default:
		res.Status = sink.Failed
	}
	return res
}
