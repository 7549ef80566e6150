package cli

import "time"

// Speed is how fast a number grows, over the last span.
type Speed struct {
	Span time.Duration
	seen []sample // the oldest first, a twentieth of the span or more apart
}

type sample struct {
	at time.Time
	n  float64
}

// See takes in a number and gives its growth per second. A smaller number than
// before is the beginning of something else.
func (s *Speed) See(now time.Time, n float64) float64 {
	if len(s.seen) > 0 && n < s.seen[len(s.seen)-1].n {
		s.seen = s.seen[:0]
	}
	for len(s.seen) > 1 && now.Sub(s.seen[1].at) >= s.Span {
		s.seen = s.seen[1:]
	}
	if len(s.seen) == 0 || now.Sub(s.seen[len(s.seen)-1].at) >= s.Span/20 {
		s.seen = append(s.seen, sample{now, n})
	}
	since := now.Sub(s.seen[0].at)
	if since <= 0 {
		return 0
	}
	return (n - s.seen[0].n) / since.Seconds()
}

// Clock is a time of day, with its date when that is another one.
func Clock(at, now time.Time, layout string) string {
	at, now = at.Local(), now.Local()
	if at.YearDay() != now.YearDay() || at.Year() != now.Year() {
		layout = time.DateOnly + " " + layout
	}
	return at.Format(layout)
}

// Rounded is a rate with three digits, as people read it.
func Rounded(perSecond float64) float64 {
	switch {
	case perSecond >= 100:
		return float64(int64(perSecond + 0.5))
	case perSecond >= 10:
		return float64(int64(perSecond*10+0.5)) / 10
	}
	return float64(int64(perSecond*100+0.5)) / 100
}
