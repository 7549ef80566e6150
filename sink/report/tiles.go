package report

import (
	"fmt"

	"bulkonboard/sink"
)

// tile is one of the numbers at the top of the page.
type tile struct {
	Name, Number, Note string
	Kind               string // good, bad, or "" for neither: how it looks
}

func (p *Page) tiles() []tile {
	s, wrong := p.Summary, bad(p.Summary)
	total := s.Rows
	if !s.Complete && s.Input.Rows > 0 {
		total = s.Input.Rows
	}
	good := s.Rows - wrong
	out := []tile{
		{Name: "Onboarded", Number: count(good), Note: share(good, total) + " of " + rows(total), Kind: "good"},
		{Name: "Need attention", Number: count(wrong), Note: share(wrong, total) + " of " + rows(total)},
	}
	if wrong > 0 {
		out[1].Kind = "bad"
	}
	if left := total - s.Rows; left > 0 {
		out = append(out, tile{Name: "Remaining", Number: count(left), Note: share(left, total) + " of " + rows(total)})
	}
	return append(out,
		tile{Name: "Duration", Number: length(s.RunningSeconds), Note: startsText(s)},
		tile{Name: "Average rate", Number: perSecond(averageRate(s.Rows, s.RunningSeconds)), Note: "rows per second"},
		outageTile(s),
	)
}

func startsText(s *sink.Summary) string {
	if s.Resumed > 0 {
		return fmt.Sprintf("running time, in %d starts", s.Resumed+1)
	}
	return "running time"
}

func outageTile(s *sink.Summary) tile {
	t := tile{Name: "Outages", Number: count(s.Outages), Note: "of the service"}
	if s.Outages > 0 {
		t.Note, t.Kind = length(s.OutageSeconds)+" in all", "bad"
	}
	return t
}

func averageRate(n int64, seconds float64) float64 { return float64(n) / max(seconds, 1e-3) }

// comparison is this run beside the one before it.
type comparison struct {
	Before string // when that ended
	Rows   []compared
}

// compared is one number of both runs.
type compared struct{ Name, Now, Then, Change string }

// comparison compares complete runs only: half a run differs in everything.
func (p *Page) comparison() *comparison {
	s, e := p.Summary, p.Summary.EarlierRun
	if e == nil || !s.Complete || e.Rows == 0 {
		return nil
	}
	wrong, wrongThen := bad(s), sink.Bad(e.Status)
	c := &comparison{Before: p.moment(e.EndedAt)}
	number := func(name string, now, then int64) {
		c.Rows = append(c.Rows, compared{name, count(now), count(then), difference(now - then)})
	}
	number("Rows", s.Rows, e.Rows)
	number("Onboarded", s.Rows-wrong, e.Rows-wrongThen)
	number("Need attention", wrong, wrongThen)
	number("Attempts sent", s.Attempts, e.Attempts)
	c.Rows = append(c.Rows,
		compared{"Duration", length(s.RunningSeconds), length(e.RunningSeconds), ratio(s.RunningSeconds, e.RunningSeconds)},
		compared{"Response time, 95th percentile", milliseconds(s.Latency.P95), milliseconds(e.P95), ratio(s.Latency.P95, e.P95)},
	)
	return c
}

// difference is a change in a number.
func difference(n int64) string {
	switch {
	case n > 0:
		return "+" + count(n)
	case n < 0:
		return "−" + count(-n)
	}
	return "no change"
}

// ratio is a change in a measure, in percent of what it was.
func ratio(now, then float64) string {
	if !(then > 0) {
		return "–"
	}
	switch percent := 100 * (now/then - 1); {
	case percent >= 0.5:
		return fmt.Sprintf("+%.0f%%", percent)
	case percent <= -0.5:
		return fmt.Sprintf("−%.0f%%", -percent)
	}
	return "no change"
}
