package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
	"bulkonboard/sink"
)

// view is a run's progress at one moment, for people.
type view struct {
	measure.Progress
	now       time.Time
	perSecond float64       // rows that got their result, over the last while
	left      time.Duration // until the list is done, as it looks; 0 for not known
}

// Over how long a pace is taken: the pace that is shown soon follows what is
// seen, the pace that the end is reckoned with is not moved by every pause.
const (
	nowSpan  = 5 * time.Second
	leftSpan = 2 * time.Minute
)

// look makes views of a run that is looked at again and again.
type look struct{ rows, share cli.Speed }

// newLook returns a look at a run, every so often.
func newLook(every time.Duration) *look {
	return &look{rows: cli.Speed{Span: max(nowSpan, every)}, share: cli.Speed{Span: max(leftSpan, every)}}
}

// at is how a run stands now.
func (l *look) at(p measure.Progress, now time.Time) *view {
	done := p.Share
	if p.OfRows > 0 {
		done = float64(p.Answered) / float64(p.OfRows)
	}
	v := &view{Progress: p, now: now, perSecond: l.rows.See(now, float64(p.Answered))}
	perSecond := l.share.See(now, done)
	if perSecond > 0 && done < 1 && p.State != measure.Outage && p.State != measure.Draining {
		v.left = time.Duration((1 - done) / perSecond * float64(time.Second))
	}
	return v
}

// frame is a view on a terminal.
func (v *view) frame() *screen.Frame {
	done := v.Share
	if v.Share == 0 && v.OfRows == 0 {
		done = -1
	}
	return &screen.Frame{At: v.now, Done: done, Of: v.rows(), Lines: [][]string{v.flow(), v.counts(), v.doing()}}
}

func (v *view) rows() string {
	if v.OfRows == 0 {
		return cli.Counted(v.Rows, "row")
	}
	return fmt.Sprintf("%d of %s", v.Rows, cli.Counted(v.OfRows, "row"))
}

// flow is what is going through.
func (v *view) flow() []string {
	parts := []string{fmt.Sprintf("%g rows/s", cli.Rounded(v.perSecond))}
	if v.State != measure.Reading {
		parts = append(parts, fmt.Sprintf("%d in flight", v.InFlight))
	}
	if v.left > 0 {
		parts = append(parts, fmt.Sprintf("ETA %s (%s)", cli.Roughly(v.left), cli.Clock(v.now.Add(v.left), v.now, "15:04")))
	}
	return append(parts, v.bytes())
}

// bytes gives both numbers in the unit of the larger one.
func (v *view) bytes() string {
	most, unit, name := max(v.Bytes, v.OfBytes), int64(1), "bytes"
	for _, larger := range []string{"kB", "MB", "GB"} {
		if most < 1000*unit {
			break
		}
		unit, name = 1000*unit, larger
	}
	in := func(n int64) string {
		if unit == 1 {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%.1f", float64(n)/float64(unit))
	}
	if v.OfBytes == 0 {
		return in(v.Bytes) + " " + name
	}
	return in(v.Bytes) + " of " + in(v.OfBytes) + " " + name
}

// counts are the rows by status.
func (v *view) counts() []string {
	if v.State == measure.Reading || v.State == measure.Starting {
		return nil
	}
	parts := []string{fmt.Sprintf("%s %d", sink.OK, v.Status[sink.OK])}
	for _, status := range sink.Statuses()[1:] {
		if n := v.Status[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", status, n))
		}
	}
	if ahead := v.Answered - v.Rows; ahead > 0 {
		parts = append(parts, fmt.Sprintf("%d done, waiting to be written", ahead))
	}
	return parts
}

// doing is the state in words.
func (v *view) doing() []string {
	switch v.State {
	case measure.Reading:
		return []string{"reading the list; nothing is sent yet"}
	case measure.Held:
		if v.Until.After(v.now) {
			return []string{"paused until " + cli.Clock(v.Until, v.now, time.TimeOnly) + " after 429"}
		}
		return []string{"paused after 429, one call tries whether it is over"}
	case measure.Outage:
		since := "outage since " + cli.Clock(v.Since, v.now, "15:04")
		if wait := v.Until.Sub(v.now); wait > 0 {
			return []string{since, fmt.Sprintf("next probe in %d s", (wait+time.Second-1)/time.Second)}
		}
		return []string{since, "one probe is under way"}
	case measure.Draining:
		return []string{"draining: " + cli.Counted(v.InFlight, "call") + " in flight"}
	case measure.Running:
		if v.Pace.Rate > 0 {
			return []string{fmt.Sprintf("running at up to %g calls/s", cli.Rounded(v.Pace.Rate))}
		}
	}
	return []string{string(v.State)}
}

// attributes are a view for the log.
func (v *view) attributes() []any {
	a := []any{"state", string(v.State), "doing", strings.Join(v.doing(), ", "), "rows", v.Rows}
	if v.OfRows > 0 {
		a = append(a, "of", v.OfRows)
	}
	if v.Share > 0 {
		a = append(a, "share", math.Round(v.Share*1e4)/1e4)
	}
	a = append(a, "rows_per_second", cli.Rounded(v.perSecond))
	if v.left > 0 {
		a = append(a, "eta_seconds", v.left.Round(time.Second).Seconds())
	}
	if v.State == measure.Reading {
		return a
	}
	a = append(a, "in_flight", v.InFlight)
	for _, status := range sink.Statuses() {
		if n := v.Status[status]; n > 0 {
			a = append(a, string(status), n)
		}
	}
	return a
}
