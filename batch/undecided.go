package batch

import (
	"container/heap"
	"context"
	"time"

	"bulkonboard/batch/session"
)

// undecidedRow is a row that failed, and it is not known yet whether it is at fault or
// the service. It is not sent again before that: it could only fail for the same
// reason once more.
type undecidedRow struct {
	slot  *slot
	reply session.Reply
}

// failed takes in a reply after which a row is sent again, or is given up.
func (d *dispatcher) failed(s *slot, r *session.Reply, now time.Time) {
	d.ended(s)
	d.access.rowFailed = *r
	if !s.blame.Open() && !s.blame.Used(d.maxAttempts) {
		d.later(s, r, now)
		return
	}
	d.backOff(s, r, now)
	d.undecided = append(d.undecided, undecidedRow{s, *r})
}

// decideUndecided has the rows sent again of which it is known whose fault it was that
// they failed, and gives up those that were at fault once too often. It reports
// whether there were any.
func (d *dispatcher) decideUndecided(now time.Time) (some bool) {
	if len(d.undecided) == 0 {
		return false
	}
	left, others := d.undecided[:0], d.untried()
	for _, row := range d.undecided {
		b := &row.slot.blame
		if !others && d.access.ask == nil { // nothing else tells
			d.pace.Count(b)
		}
		switch {
		case b.Open():
			left = append(left, row)
		case b.AtFault() && b.Used(d.maxAttempts):
			res := resultOf(row.slot, &row.reply, now)
			d.finish(row.slot, &res)
		default:
			heap.Push(&d.waiting, row.slot)
		}
	}
	some = len(left) < len(d.undecided)
	clear(d.undecided[len(left):])
	d.undecided = left
	return some
}

// askAccess asks the service about itself when nothing else tells whose fault it is
// that calls fail. It returns when to look again, zero for when it has been answered.
func (d *dispatcher) askAccess(ctx context.Context, now time.Time) (at time.Time) {
	a := &d.access
	needed := d.setup.waits || !d.untried() && (len(d.undecided) > 0 || d.pace.Blocked())
	switch {
	case a.ask == nil || !needed || ctx.Err() != nil:
		a.wanted = time.Time{}
		return at
	case a.answer != nil:
		return at
	case a.wanted.IsZero():
		a.wanted = now
	}
	if at = a.due(d.pace.NotBefore()); at.After(now) {
		return at
	}
	a.begin(ctx, now)
	return time.Time{}
}

// heard takes in what the service said of itself.
func (d *dispatcher) heard(got answer, now time.Time) {
	said := &got.reply
	d.access.answer, d.access.notBefore = nil, now.Add(min(said.RetryAfter, doubtFor))
	d.log.Debug("asked the service about itself", "event", "access_asked", "outcome", said.Outcome.String(), "http", said.Status, "code", said.Code,
		"latency_seconds", said.Latency.Round(time.Microsecond).Seconds())
	if d.setup.waits && !got.asked.Before(d.setup.latest) {
		d.settleAll(said, now)
	}
	if d.access.fails(now, said, d.undecided) {
		d.pace.ServiceFails(now, signalOf(said))
	} else {
		d.pace.ServiceWell(got.asked, d.queue.left == 0 && !d.coming())
	}
}
