package pace

import "time"

// tellRate reports a pace that differs by more than a fifth from the last one
// that was reported.
func (c *Controller) tellRate() {
	if c.rate == c.told || c.rate > 0.8*c.told && c.rate < 1.25*c.told {
		return
	}
	reason := "raising the rate"
	if c.rate < c.told {
		reason = "lowering the rate"
	}
	c.told = c.rate
	c.report(Event{Kind: PaceChange, Reason: reason, Rate: finite(c.rate)})
}

func (c *Controller) report(e Event) {
	if c.config.Report != nil {
		c.config.Report(e)
	}
}

// Blocked reports that nothing is sent but single trials.
func (c *Controller) Blocked() bool { return c.block.on }

// Snapshot tells how the pace stands.
func (c *Controller) Snapshot(now time.Time) Snapshot {
	s := c.snapshot
	s.Rate = finite(c.rate)
	if b := &c.block; b.on {
		s.State, s.Since, s.Until = Out, b.began, b.until
		if b.throttle {
			s.State = Held
			s.Held += now.Sub(b.began)
		} else {
			s.Outage += now.Sub(b.began)
		}
		if b.flying {
			s.Until = time.Time{}
		}
	}
	if c.settled(now) && c.phase != searching {
		s.Learned = finite(c.good)
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
