package batch

import (
	"time"

	"bulkonboard/batch/pace"
	"bulkonboard/batch/session"
	"bulkonboard/sink"
)

// action is what is done about a reply.
type action int

const (
	finish          action = iota // the row has its result
	retry                         // the row is sent again
	retryUnlessSame               // so it is, unless the first rows all get this very reply: then the run ends
	askAnother                    // the row is at fault, or the set-up is: the reply to another row decides
	suspend                       // the row waits for that reply
	stopRun                       // every row would get the same: the run ends, this row stays unprocessed
	leave                         // the run was told to stop while the call was under way: the row stays unprocessed
)

// meaning is what an outcome of a call means: for the pace, for the row, and for
// the run.
type meaning struct {
	class   pace.Class  // what it says about the service
	status  sink.Status // of the row, if this is its last reply
	atFirst action      // until the service has replied as it should
	next    action      // from then on
}

// meanings is what is done about each outcome; session/judge.go recognizes it.
var meanings = [...]meaning{
	session.OK:                 {pace.Accepted, sink.OK, finish, finish},
	session.Rejected:           {pace.Accepted, sink.Rejected, finish, finish},
	session.Throttled:          {pace.Throttled, sink.Failed, retryUnlessSame, retry},
	session.Failed:             {pace.Fault, sink.Failed, retryUnlessSame, retry},
	session.Unavailable:        {pace.Down, sink.Failed, retryUnlessSame, retry},
	session.Unreachable:        {pace.Unreachable, sink.Failed, retryUnlessSame, retry},
	session.InDoubt:            {pace.Fault, sink.Failed, retryUnlessSame, retry},
	session.CredentialsRefused: {pace.Neutral, sink.Rejected, askAnother, askAnother},
	session.TenantRefused:      {pace.Neutral, sink.Rejected, askAnother, askAnother},
	session.NotTheAPI:          {pace.Fault, sink.Failed, askAnother, retry},
	session.TLSRefused:         {pace.Unreachable, sink.Failed, stopRun, retry},
	session.Cancelled:          {pace.Neutral, sink.Failed, leave, leave},
}

func meaningOf(r *session.Reply) *meaning { return &meanings[r.Outcome] }

// repliedMeanwhile takes the replies that are already there, so that a batch
// of them costs one look at the pace.
func (d *dispatcher) repliedMeanwhile(now time.Time) {
	for range len(d.replies) {
		d.replied(<-d.replies, now)
	}
}

func (d *dispatcher) replied(a attempt, now time.Time) {
	d.inFlight--
	s, reply := a.slot, &a.reply
	if s == d.setup.probe {
		d.setup.probe = nil
	}
	d.recognised = d.recognised || reply.Recognised
	d.meter.Answered(now, reply)
	d.logAttempt(&a)
	d.pace.Answered(now, s.ticket, signalOf(reply), &s.blame)
	d.changes.tell(now, d.pace.Snapshot(now))
	d.sayOdd(reply)
	if meaningOf(reply).class == pace.Accepted {
		d.proven = true
		d.access.succeeded()
		d.wrong.clear()
		d.settleBefore(s, now)
	}
	switch d.decide(s, reply) {
	case leave:
	case stopRun:
		d.ended(s)
		d.stop(refusedError(s, reply))
	case suspend:
		d.suspend(s, reply, now)
	case finish:
		res := resultOf(s, reply, now)
		d.finish(s, &res)
	default:
		d.failed(s, reply, now)
	}
}

// sayOdd tells once of a Retry-After that cannot be obeyed.
func (d *dispatcher) sayOdd(r *session.Reply) {
	if r.OddRetryAfter != "" && !d.toldOdd {
		d.toldOdd = true
		d.log.Warn("the service sends a Retry-After that cannot be read; it is ignored", "event", "retry_after_unreadable", "retry_after", r.OddRetryAfter, "http", r.Status)
	}
}

// logAttempt tells of an attempt, for operators who ask what happened to a row.
func (d *dispatcher) logAttempt(a *attempt) {
	if !d.logAttempts {
		return
	}
	reply := &a.reply
	d.log.Debug("attempt", "event", "attempt", "row", a.slot.rec.Row, "attempt", a.slot.sent, "outcome", reply.Outcome.String(),
		"http", reply.Status, "code", reply.Code, "latency_seconds", reply.Latency.Round(time.Microsecond).Seconds(), "retry_after_seconds", reply.RetryAfter.Seconds(), "in_flight", d.inFlight)
}

// decide says what is done about a reply. Until the API itself has replied
// anything in this run, a reply that is not the API's means a wrong base URL, and
// after that it is a gateway's hiccup.
func (d *dispatcher) decide(s *slot, r *session.Reply) action {
	m, proven := meaningOf(r), d.proven
	if r.Outcome == session.NotTheAPI {
		proven = d.recognised
	}
	next := m.next
	if !proven {
		next = m.atFirst
	}
	switch {
	case next == askAnother:
		return d.rowOrSetup(s, r)
	case next == retryUnlessSame && d.wrong.same(s, r, !d.untried()):
		return stopRun
	case next == retryUnlessSame:
		return retry
	}
	return next
}

// signalOf is what a reply says to the pace.
func signalOf(r *session.Reply) pace.Signal {
	s := pace.Signal{Class: meaningOf(r).class, Latency: r.Latency, Concurrent: r.Limit.Concurrent}
	switch s.Class {
	case pace.Fault, pace.Down, pace.Unreachable:
		s.Cause, s.Setup = cause(r), r.WrongSetUp()
	}
	switch {
	case r.RetryAfterSet:
		s.RetryAfter = r.RetryAfter
	case s.Class == pace.Throttled && r.Limit.RemainingSet && r.Limit.Remaining == 0:
		s.RetryAfter = r.Limit.Reset
	}
	if r.Limit.Quota > 0 && r.Limit.Window > 0 {
		s.Quota = r.Limit.Quota / r.Limit.Window.Seconds()
	}
	return s
}

// cause is a failure for people. A text that had the secret in it is its code.
func cause(r *session.Reply) string {
	if r.Message == "" || r.Message == r.Code {
		return r.Code
	}
	return r.Code + ": " + r.Message
}

// resultOf is the result of a slot whose last reply this is.
func resultOf(s *slot, r *session.Reply, now time.Time) sink.Result {
	res := sink.Result{Status: meaningOf(r).status, Attempts: s.sent, ProcessedAt: now, ErrorCode: r.Code, ErrorMessage: r.Message}
	if res.Status == sink.OK {
		res.SessionID, res.ErrorCode, res.ErrorMessage = r.SessionID, "", ""
		res.Expires = r.Expires.Truncate(time.Second)
	}
	return res
}
