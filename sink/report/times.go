package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"bulkonboard/sink"
)

// maxSpans bounds the table of pauses and outages.
const maxSpans = 30

// span is a stretch of the run in which it was paused, or the service was down.
type span struct{ What, From, At, Length string }

// spans are the pauses and outages as the timeline has them: to the bucket.
func (p *Page) spans() []span {
	a := axisOf(p.Summary)
	var out []span
	for _, kind := range []struct {
		what    string
		seconds []float64
	}{{"Paused after 429", a.HeldSeconds}, {"Outage", a.OutageSeconds}} {
		for i := 0; i < a.n && len(out) < maxSpans; i++ {
			from, sum := i, 0.0
			for ; i < a.n && kind.seconds[i] > 0; i++ {
				sum += kind.seconds[i]
			}
			if sum > 0 {
				at := float64(from) * float64(a.BucketSeconds)
				out = append(out, span{What: kind.what, From: clock(at), At: p.wall(at), Length: length(sum)})
			}
		}
	}
	return out
}

// wall is the time of day at a running time.
func (p *Page) wall(seconds float64) string {
	var start sink.Start
	for _, s := range p.Summary.Timeline.Starts {
		if s.AtSeconds <= seconds {
			start = s
		}
	}
	if start.StartedAt.IsZero() {
		return "unknown"
	}
	return p.moment(start.StartedAt.Add(time.Duration((seconds - start.AtSeconds) * float64(time.Second))))
}

// interruption is the time between two starts.
type interruption struct{ Number, At, Stopped, Resumed, Length string }

func (p *Page) interruptions() []interruption {
	var out []interruption
	starts := p.Summary.Timeline.Starts
	for i := 1; i < len(starts); i++ {
		out = append(out, interruption{
			Number: count(int64(i)), At: clock(starts[i].AtSeconds),
			Stopped: p.moment(starts[i-1].EndedAt), Resumed: p.moment(starts[i].StartedAt),
			Length: length(max(0, starts[i].StartedAt.Sub(starts[i-1].EndedAt).Seconds())),
		})
	}
	return out
}

// latency is how long attempts took.
type latency struct {
	Caption     string
	Percentiles []fact
	Bars        []bar
	Grid, Ticks []label
	Words       string
}

const (
	latencyTop    = 18
	latencyHeight = 90
	latencyTicks  = 5

	// fewAttempts have no percentiles: they would be about one or two of them.
	fewAttempts = 20
)

func latencyOf(l *sink.Latency) *latency {
	switch {
	case l.Count == 0:
		return nil
	case l.Count < fewAttempts:
		return &latency{
			Caption:     count(l.Count) + " " + plural(l.Count, "attempt") + ", too few for percentiles",
			Percentiles: []fact{{"Median", milliseconds(l.P50)}, {"Slowest", milliseconds(l.Max)}},
		}
	}
	v := &latency{Caption: "Response-time percentiles (" + count(l.Count) + " attempts)", Percentiles: []fact{
		{"50%", milliseconds(l.P50)}, {"90%", milliseconds(l.P90)}, {"95%", milliseconds(l.P95)}, {"99%", milliseconds(l.P99)}, {"Slowest", milliseconds(l.Max)},
	}}
	v.draw(l)
	return v
}

// draw draws the ranges that have attempts in them, each twice as wide as the
// one before.
func (v *latency) draw(l *sink.Latency) {
	from, to, most := 0, min(len(l.Counts), len(l.UpTo)), int64(0)
	for from < to && l.Counts[from] == 0 {
		from++
	}
	for to > from && l.Counts[to-1] == 0 {
		to--
	}
	for _, n := range l.Counts[from:to] {
		most = max(most, n)
	}
	top := roundUp(float64(most))
	for _, part := range []float64{0, 0.5, 1} {
		y := strconv.FormatFloat(latencyTop+(1-part)*latencyHeight, 'f', 1, 64)
		v.Grid = append(v.Grid, label{Y: y, Text: tick(math.Floor(part*top), top) + " attempts"})
	}
	a := axis{n: to - from}
	every := (a.n + latencyTicks - 1) / latencyTicks
	var words []string
	for i, n := range l.Counts[from:to] {
		end := milliseconds(float64(l.UpTo[from+i]))
		if n > 0 {
			height := min(latencyHeight, max(1, float64(n)/top*latencyHeight))
			v.Bars = append(v.Bars, a.bar(i, latencyTop+latencyHeight-height, height))
			words = append(words, count(n)+" up to "+end)
		}
		if (a.n-1-i)%every == 0 {
			v.Ticks = append(v.Ticks, label{X: percent(float64(i+1) / float64(a.n)), Text: end, Anchor: "end"})
		}
	}
	v.Words = "Attempts by response time: " + strings.Join(words, ", ") + "."
}
