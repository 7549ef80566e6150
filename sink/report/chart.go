package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"bulkonboard/sink"
)

// Drawings are as wide as the page: places across are in percent, and places
// down in pixels, so that text keeps its size on a phone.
const (
	plotTop    = 18
	plotHeight = 140
	plotBottom = plotTop + plotHeight
	laneHeight = 14
	laneStep   = laneHeight + 22
	barShare   = 0.86 // of a bucket, when there are few
	fewBars    = 60
)

// bar is one rectangle.
type bar struct {
	X, Width  string
	Y, Height string
}

// label is a text, or a line with one.
type label struct {
	X, Y, Text string
	Anchor     string // start, middle, end
}

// lane is a stripe below the plot with what happened, and its name above.
type lane struct {
	Name  label
	Kind  string // paused, outage: how it looks
	Frame string // its place down
	Bars  []bar
}

// throughput is the drawing of rows per second over the running time.
type throughput struct {
	Height              int
	Bars                []bar
	Grid, Ticks, Breaks []label
	Lanes               []lane
	Bottom              int
	Axis                label  // the name of the horizontal axis
	Words               string // the drawing for readers who do not see it
}

// leastBars is how many bars make a drawing: a shorter run has its numbers only.
const leastBars = 3

// axis is the running time that a timeline spans.
type axis struct {
	*sink.Timeline
	n     int
	total float64 // seconds of running
}

func axisOf(s *sink.Summary) axis {
	t := &s.Timeline
	n := min(len(t.Rows), len(t.HeldSeconds), len(t.OutageSeconds))
	return axis{Timeline: t, n: n, total: s.RunningSeconds}
}

func (a *axis) span() float64 { return float64(max(a.BucketSeconds, 1)) * float64(a.n) }

// rate is the rows per second of a bucket. The last one may have been cut off
// by the end; when next to nothing of it is left, that says nothing.
func (a *axis) rate(i int) float64 {
	length := float64(max(a.BucketSeconds, 1))
	if left := a.total - float64(i)*length; i == a.n-1 && left < length && (left > length/4 || a.n == 1) {
		length = max(left, 1e-3)
	}
	return float64(a.Rows[i]) / length
}

func throughputOf(s *sink.Summary) *throughput {
	a := axisOf(s)
	if a.n == 0 {
		return nil
	}
	peak := 0.0
	for i := range a.n {
		peak = max(peak, a.rate(i))
	}
	top := roundUp(peak)
	c := &throughput{Bottom: plotBottom, Words: a.words(s, peak)}
	if a.n < leastBars {
		c.Words += " The run was too short for a chart."
		return c
	}
	for i := range a.n {
		if rate := a.rate(i); rate > 0 {
			height := max(1, rate/top*plotHeight)
			c.Bars = append(c.Bars, a.bar(i, plotBottom-height, height))
		}
	}
	for _, part := range []float64{0, 0.5, 1} {
		y := strconv.FormatFloat(plotBottom-part*plotHeight, 'f', 1, 64)
		c.Grid = append(c.Grid, label{Y: y, Text: tick(part*top, top) + " rows/s"})
	}
	c.Ticks = a.ticks()
	c.Axis = label{Y: strconv.Itoa(plotBottom + 32), Text: "running time (min:s)"}
	if a.span() >= 3600 {
		c.Axis.Text = "running time (h:min:s)"
	}
	for i := 1; i < len(a.Starts); i++ {
		c.Breaks = append(c.Breaks, label{X: percent(a.Starts[i].AtSeconds / a.span()), Text: strconv.Itoa(i)})
	}
	y := plotBottom + 58
	for _, l := range []struct {
		name, kind string
		seconds    []float64
		total      float64
	}{{"Paused after 429", "paused", a.HeldSeconds, s.HeldSeconds}, {"Outage", "outage", a.OutageSeconds, s.OutageSeconds}} {
		if l.total > 0 {
			c.Lanes = append(c.Lanes, a.lane(l.name+": "+length(l.total), l.kind, l.seconds, y))
			y += laneStep
		}
	}
	c.Height = y - 16
	return c
}

func (a *axis) bar(i int, y, height float64) bar {
	wide := 1.0
	if a.n <= fewBars {
		wide = barShare
	}
	return bar{
		X: percent((float64(i) + (1-wide)/2) / float64(a.n)), Width: percent(wide / float64(a.n)),
		Y: strconv.FormatFloat(y, 'f', 1, 64), Height: strconv.FormatFloat(height, 'f', 1, 64),
	}
}

// lane draws in what share of each bucket something was so.
func (a *axis) lane(name, kind string, seconds []float64, y int) lane {
	l := lane{Name: label{Y: strconv.Itoa(y - 5), Text: name}, Kind: kind, Frame: strconv.Itoa(y)}
	for i := range a.n {
		if seconds[i] <= 0 {
			continue
		}
		height := min(laneHeight, max(4, seconds[i]/float64(max(a.BucketSeconds, 1))*laneHeight))
		l.Bars = append(l.Bars, a.bar(i, float64(y)+laneHeight-height, height))
	}
	return l
}

// maxTicks is how many running times have room below a plot on a phone.
const maxTicks = 4

// steps are the times between two ticks, in seconds, that clocks have.
var steps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200}

// ticks name running times below the plot.
func (a *axis) ticks() []label {
	step := 86400.0
	for _, s := range slices.Backward(steps) {
		if a.span()/s <= maxTicks {
			step = s
		}
	}
	for a.span()/step > maxTicks { // days
		step *= 2
	}
	var out []label
	for at := 0.0; at <= a.span(); at += step {
		anchor := "middle"
		switch {
		case at == 0:
			anchor = "start"
		case at > 0.93*a.span():
			anchor = "end"
		}
		out = append(out, label{X: percent(at / a.span()), Y: strconv.Itoa(plotBottom + 15), Text: clock(at), Anchor: anchor})
	}
	return out
}

func (a *axis) words(s *sink.Summary, peak float64) string {
	text := fmt.Sprintf("%s rows per second on average and %s at most, over a running time of %s",
		perSecond(averageRate(s.Rows, a.total)), perSecond(peak), length(a.total))
	if s.HeldSeconds > 0 {
		text += "; paused for " + length(s.HeldSeconds) + " after 429 answers"
	}
	if s.OutageSeconds > 0 {
		text += "; in an outage for " + length(s.OutageSeconds)
	}
	if n := len(a.Starts) - 1; n > 0 {
		text += "; interrupted " + times(n)
	}
	return text + "."
}

// roundUp is the next number of the kind that scales have, whose half can be
// read as well.
func roundUp(x float64) float64 {
	if !(x > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, step := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8} {
		if x <= step*power*(1+1e-9) {
			return step * power
		}
	}
	return 10 * power
}
