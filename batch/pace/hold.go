package pace

import "time"

// hold is the time after a 429.
type hold struct {
	on      bool
	began   time.Time
	until   time.Time
	wait    time.Duration
	asked   time.Duration // the longest wait that the service asked for
	trials  int           // that were refused
	refused time.Time     // when the last of them was sent
	epoch   int
}

// series is holds with few accepted calls in between.
type series struct {
	holds int
	from  mark          // the end of the first hold
	held  time.Duration // since then
	long  bool          // it began with a long block
	rate  float64       // of the cycle that it ended, in accepted calls per second
}

// throttled takes in a 429.
func (c *Controller) throttled(now time.Time, t Ticket, s *Signal) {
	c.snapshot.Throttled++
	if c.settled {
		c.credit = max(leastCredit, c.credit-1)
	}
	h := &c.hold
	switch {
	case c.outage.open:
		if t.lone { // the service is back, and busy
			c.recovered(now, t)
			c.beginHold(now, s)
		}
	case h.on && t.lone:
		h.trials++
		h.refused = t.sent
		h.wait = min(holdGrowth*h.wait, max(mostHold, now.Sub(h.began)/4))
		c.extend(now, s)
	case h.on:
		h.until = later(h.until, now.Add(s.RetryAfter))
	case t.epoch == h.epoch:
		c.beginHold(now, s)
	}
}

func (c *Controller) beginHold(now time.Time, s *Signal) {
	if c.accepted-c.cycle.accepted >= closeBy {
		c.series = series{}
	}
	c.series.holds++
	wait := leastHold
	if c.paced() {
		wait = max(wait, min(2*time.Second, interval(c.rate)*11/10))
	}
	if n := c.series.holds; n > 1 {
		wait = max(wait, min(4*time.Second, 125*time.Millisecond<<min(n-1, 5)))
	}
	c.hold = hold{on: true, began: now, wait: wait, epoch: c.hold.epoch + 1}
	c.extend(now, s)
	c.report(Event{Kind: Hold, Reason: "429: too many requests", Wait: c.hold.until.Sub(now)})
}

func (c *Controller) extend(now time.Time, s *Signal) {
	c.hold.asked = max(c.hold.asked, s.RetryAfter)
	c.hold.until = later(c.hold.until, now.Add(max(c.hold.wait, s.RetryAfter)))
}

// unblock ends a hold, and sets the pace by what was learnt.
func (c *Controller) unblock(now time.Time, t Ticket) {
	blocked := now.Sub(c.hold.began)
	c.snapshot.Held += blocked
	l := c.lesson(now, blocked)
	c.rate = c.bounded(c.learn(now, l))
	c.planProbe(now, l)
	c.series.held += blocked
	if c.series.holds == 1 {
		c.series.from, c.series.held = mark{now, c.accepted}, 0
	}
	c.release(now, t)
}

// release lets sending go on after a hold or an outage.
func (c *Controller) release(now time.Time, t Ticket) {
	c.hold.on = false
	c.hold.epoch++
	c.cycle = mark{now, c.accepted}
	c.due = now
	if c.paced() {
		c.due = later(now, t.sent.Add(interval(c.rate)))
	}
	c.newRound(now)
}
