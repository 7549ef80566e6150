package batch

import (
	"cmp"
	"log/slog"
	"time"

	"bulkonboard/batch/pace"
)

// paceLog tells operators how the pace changes: that the service asks for fewer
// calls, that it is unavailable and available again, and of every rate that
// differs by more than a fifth from the last one that was told.
type paceLog struct {
	log  *slog.Logger
	last pace.Snapshot
	told float64 // the rate
	out  bool    // an outage was logged
}

func (p *paceLog) tell(now time.Time, s pace.Snapshot) {
	switch {
	case p.out && s.State != pace.Out:
		p.out = false
		p.log.Info("outage over", "event", "outage_over", "reason", "calls are sent again after "+now.Sub(p.last.Since).Round(100*time.Millisecond).String())
	case s.Outages > p.last.Outages:
		p.out = true
		p.log.Warn("outage", "event", "outage", "reason", "the service is unavailable ("+s.Cause+"); sending one test call at a time", "wait_seconds", secondsTo(s.Until, now))
	}
	if s.State == pace.Held && s.Since != p.last.Since {
		p.log.Warn("pause", "event", "pause", "reason", "the service asks for fewer calls ("+cmp.Or(s.Cause, "429")+")", "wait_seconds", secondsTo(s.Until, now))
	}
	if p.last.Sent == 0 {
		p.told = s.Rate
	}
	switch {
	case s.Rate < 0.8*p.told:
		p.rate("lowering the rate", s.Rate)
	case s.Rate > 1.25*p.told:
		p.rate("raising the rate", s.Rate)
	}
	p.last = s
}

func (p *paceLog) rate(reason string, perSecond float64) {
	p.told = perSecond
	p.log.Debug("pace change", "event", "rate", "reason", reason, "per_second", float64(int64(perSecond*100+0.5))/100)
}

func secondsTo(t, now time.Time) float64 {
	return t.Sub(now).Round(time.Millisecond).Seconds()
}
