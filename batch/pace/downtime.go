package pace

import (
	"time"
)

// failed takes in an attempt that failed.
func (c *Controller) failed(now time.Time, t Ticket, s *Signal, b *Blame) {
	c.outage.cause = s.Cause
	if c.outage.open {
		if t.lone && c.outage.canaryFailed(now, s, b) {
			c.docket.failed(b)
		}
		return
	}
	if s.Class == Fault {
		// It took a call of the quota, and a trial that ends so was no 429.
		c.countTaken(now, t)
	} else if t.lone && c.hold.on {
		c.unblock(now, t)
	}
	if s.Class != Unreachable {
		c.docket.failed(b)
	}
	if c.outage.failed(now, t, s, b) {
		c.openOutage(now, s)
	}
}

// openOutage stops sending, but for canaries. Whoever failed as the service
// went down is not charged for it.
func (c *Controller) openOutage(now time.Time, s *Signal) {
	if c.hold.on { // those in flight before it failed: the outage takes its place
		c.snapshot.Held += now.Sub(c.hold.began)
	}
	c.outage.begin(now, s)
	c.outage.took = c.recent.perSecond(now)
	c.docket.outage()
	c.flying = false
	c.snapshot.Outages++
	c.report(Event{
		Kind: OutageOpen, Wait: c.outage.canaryAt.Sub(now),
		Reason: "the service as a whole fails (" + s.Cause + "); nothing but single trials is sent",
	})
}

// recovered ends an outage: the pace begins again at a quarter of what it was,
// and searches.
func (c *Controller) recovered(now time.Time, t Ticket) {
	out := now.Sub(c.outage.since)
	c.snapshot.Outage += out
	c.outage.end()
	if !c.paced() { // that may be what it broke down under
		c.rate = max(firstRate, c.outage.took)
	}
	c.rate = max(leastRate, c.rate/4)
	c.phase = searching
	c.release(now, t)
	c.report(Event{Kind: OutageOver, Reason: "a call was answered after " + out.Round(100*time.Millisecond).String(), Rate: finite(c.rate)})
}

// tellRate reports a pace that differs by more than a fifth from the last one
// that was reported.
func (c *Controller) tellRate() {
	if c.rate == c.told || c.rate > 0.8*c.told && c.rate < 1.25*c.told {
		return
	}
	reason := "the service takes more"
	if c.rate < c.told {
		reason = "the service takes less"
	}
	c.told = c.rate
	c.report(Event{Kind: PaceChange, Reason: reason, Rate: finite(c.rate)})
}

func (c *Controller) report(e Event) {
	if c.config.Report != nil {
		c.config.Report(e)
	}
}

// Out reports an outage under way.
func (c *Controller) Out() bool { return c.outage.open }

// Snapshot tells how the pace stands.
func (c *Controller) Snapshot(now time.Time) Snapshot {
	s := c.snapshot
	s.Rate = finite(c.rate)
	switch {
	case c.outage.open:
		s.State, s.Since, s.Until = Out, c.outage.since, c.outage.canaryAt
		s.Outage += now.Sub(s.Since)
	case c.hold.on:
		s.State, s.Since, s.Until = Held, c.hold.began, c.hold.until
		s.Held += now.Sub(s.Since)
	}
	if c.flying {
		s.Until = time.Time{}
	}
	if c.snapshot.Throttled > 0 && c.settled && c.phase != searching {
		s.Learned = finite(c.rate)
		if c.phase == probing {
			s.Learned = c.base
		}
	}
	return s
}

// finite is a rate with 0 for unpaced.
func finite(rate float64) float64 {
	if rate == unpaced {
		return 0
	}
	return rate
}
