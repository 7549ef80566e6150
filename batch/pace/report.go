package pace

import "time"

// Blocked reports that nothing is sent but single trials.
func (c *Controller) Blocked() bool { return c.block.on }

// Snapshot tells how the pace stands.
func (c *Controller) Snapshot(now time.Time) Snapshot {
	s := c.snapshot
	s.Rate = finite(c.rate)
	if b := &c.block; b.on {
		s.State = Out
		if b.throttle {
			s.State = Held
			s.Held += now.Sub(b.began)
		} else {
			s.Outage += now.Sub(b.began)
		}
		if c.ended == GoesOn {
			s.Since, s.Until = b.began, b.until
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
