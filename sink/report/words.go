package report

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// count is a number as people read it: 1,234,567.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// rows is a number of rows.
func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return count(n) + " rows"
}

// plural is a noun for a number of things.
func plural(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// Verbs for a number of rows.
func need(n int64) string { return verb(n, "needs", "need") }
func have(n int64) string { return verb(n, "has", "have") }
func are(n int64) string  { return verb(n, "is", "are") }

func verb(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// share is a part of a whole in percent. What is not nothing is not shown as
// nothing, and what is not all not as all.
func share(part, whole int64) string {
	percent := 100 * float64(part) / float64(max(whole, 1))
	switch {
	case part > 0 && percent < 0.01:
		return "< 0.01%"
	case part < whole && percent > 99.99:
		return "> 99.99%"
	}
	return strconv.FormatFloat(math.Round(percent*100)/100, 'f', -1, 64) + "%"
}

// length is a duration in seconds, as people read it.
func length(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)).Round(time.Second); {
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", seconds*1e3)
	case seconds < 60:
		return strconv.FormatFloat(math.Floor(seconds*10)/10, 'f', -1, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%d days %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

// clock is a running time as a clock shows it.
func clock(seconds float64) string {
	s := int64(math.Round(seconds))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// milliseconds is a latency.
func milliseconds(ms float64) string {
	switch {
	case ms >= 1e3:
		return strconv.FormatFloat(math.Round(ms/100)/10, 'f', -1, 64) + " s"
	case ms >= 10:
		return strconv.FormatFloat(math.Round(ms), 'f', -1, 64) + " ms"
	default:
		return strconv.FormatFloat(math.Round(ms*10)/10, 'f', -1, 64) + " ms"
	}
}

// perSecond is a rate.
func perSecond(rate float64) string {
	digits := 0
	switch {
	case rate >= 1000:
		return count(int64(math.Round(rate)))
	case rate < 1:
		digits = 2
	case rate < 10:
		digits = 1
	}
	power := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(rate*power)/power, 'f', -1, 64)
}

// tick is a number of a scale, which must not take the room of the drawing: 750k
// for 750,000 where the scale ends far above a thousand.
func tick(n, top float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e6, "M"}, {1e3, "k"}} {
		if n > 0 && top >= 10*unit.size {
			return strconv.FormatFloat(n/unit.size, 'f', -1, 64) + unit.name
		}
	}
	return perSecond(n)
}

// sizeOf is the size of a file.
func sizeOf(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return count(n) + " bytes"
}

// moment is a point in time.
func (p *Page) moment(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.In(p.Zone).Format("2006-01-02 15:04:05 MST")
}

// day is when a run took place: one day, or its first and last.
func (p *Page) day() string {
	from, to := p.Summary.StartedAt.In(p.Zone), p.Summary.EndedAt.In(p.Zone)
	const whole, short = "2 January 2006, 15:04", "15:04 MST"
	switch {
	case from.IsZero() || to.IsZero():
		return "unknown time"
	case from.Format(time.DateOnly) == to.Format(time.DateOnly):
		return from.Format(whole) + " to " + to.Format(short)
	}
	return from.Format(whole) + " to " + to.Format(whole+" MST")
}

// percent is a place in a drawing, and never outside of it.
func percent(part float64) string {
	return strconv.FormatFloat(100*min(max(part, 0), 1), 'f', 3, 64) + "%"
}
