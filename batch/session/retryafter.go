package session

import (
	"net/http"
	"strings"
	"time"
)

// Numbers this large are not delays but points in time, in seconds or in
// milliseconds since 1970. Docker Hub's registry sends such a Retry-After.
const (
	epochSeconds = 1e9
	epochMillis  = 1e12
)

// maxRetryAfter bounds, in bytes, what is read of a header.
const maxRetryAfter = 128

// millisecondHeaders are those of Azure and of AWS beside Retry-After, whose
// whole seconds they make more exact.
var millisecondHeaders = [...]string{"Retry-After-Ms", "X-Ms-Retry-After-Ms", "X-Amz-Retry-After"}

// retryAfter reads how long the service asks to wait, from Retry-After (RFC
// 9110 section 10.2.3: seconds or a date) and from the forms seen in the wild.
// Points in time count from the service's own clock, its Date header, as ours
// may differ. A wait that is over, or of no time, asks for nothing. odd is a
// Retry-After that cannot be obeyed.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, odd string) {
	for _, key := range millisecondHeaders {
		if ms, ok := number(header(h, key)); ok && ms > 0 {
			if wait, ok := hint(ms / 1000); ok {
				return wait, ""
			}
		}
	}
	for _, value := range h["Retry-After"] {
		seconds, read := secondsOf(value, serviceClock(h, now))
		if wait, ok := hint(seconds); ok {
			return wait, ""
		}
		if odd == "" && (!read || seconds > 0) && strings.TrimSpace(value) != "" {
			odd = value[:min(len(value), maxRetryAfter)]
		}
	}
	return 0, odd
}

// serviceClock is the time by the clock of the service.
func serviceClock(h http.Header, now time.Time) time.Time {
	if sent, ok := pointInTime(header(h, "Date")); ok {
		return sent
	}
	return now
}

// secondsOf reads a Retry-After. Of a list, the first that can be read counts.
func secondsOf(value string, now time.Time) (seconds float64, ok bool) {
	if len(value) > maxRetryAfter {
		return 0, false
	}
	if seconds, ok = oneWait(value, now); ok {
		return seconds, true
	}
	for part := range strings.SplitSeq(value, ",") {
		if seconds, ok = oneWait(part, now); ok {
			return seconds, true
		}
	}
	return 0, false
}

// oneWait reads a number, a duration or a point in time, quoted or not.
func oneWait(value string, now time.Time) (seconds float64, ok bool) {
	if value == "" {
		return 0, false // as nearly always
	}
	value = strings.Trim(value, " \t\"'")
	if n, ok := number(value); ok {
		return sinceNow(n, now), true
	}
	if seconds, ok = durationOf(value); ok {
		return seconds, true
	}
	at, ok := pointInTime(value)
	return at.Sub(now).Seconds(), ok
}

// sinceNow turns a point in time into a delay, and leaves a delay as it is.
func sinceNow(n float64, now time.Time) float64 {
	switch {
	case n >= epochMillis:
		n /= 1000
	case n < epochSeconds:
		return n
	}
	return n - float64(now.UnixMilli())/1000
}

// A duration has one part or more: "3s", "3 seconds", "1m30s", "PT1M30S".
var (
	wholeDuration = expression(`^(?i:p?t?)((\d+(\.\d+)?) ?(?i:[a-z]+) ?)+$`)
	durationPart  = expression(`(\d+(?:\.\d+)?) ?([A-Za-z]+)`)
)

// secondsIn has the units by their names without a plural.
var secondsIn = map[string]float64{
	"ms": 0.001, "msec": 0.001, "millisecond": 0.001,
	"s": 1, "sec": 1, "second": 1,
	"m": 60, "min": 60, "minute": 60,
	"h": 3600, "hr": 3600, "hour": 3600,
	"d": 86400, "day": 86400,
}

func durationOf(value string) (seconds float64, ok bool) {
	if !wholeDuration().MatchString(value) {
		return 0, false
	}
	for _, part := range durationPart().FindAllStringSubmatch(value, -1) {
		name := strings.ToLower(part[2])
		unit, known := secondsIn[name]
		if !known {
			unit, known = secondsIn[strings.TrimSuffix(name, "s")]
		}
		n, read := number(part[1])
		if !known || !read {
			return 0, false
		}
		seconds += n * unit
	}
	return seconds, true
}

// dateAndTime takes a date apart: what is before the zone, the zone, and the
// year where it comes last. Go's own zone names depend on the machine, so none
// is left to it: an abbreviation that is not UTC's cannot be read.
var dateAndTime = expression(`^(.*?\d\d:\d\d:\d\d(?:[.,]\d+)?) ?(?i:(Z|UTC|GMT|UT)|([+-]\d\d):?(\d\d)?)?( \d{4})?$`)

// dateForms are those of RFC 9110, of mail and cookies, and of ISO 8601.
var dateForms = [...]string{
	"Mon, 2 Jan 2006 15:04:05", "Monday, 2-Jan-06 15:04:05", "Mon Jan _2 15:04:05 2006",
	"Mon, 2-Jan-2006 15:04:05", "2 Jan 2006 15:04:05",
	"2006-01-02T15:04:05", "2006-01-02 15:04:05",
}

// pointInTime reads a date in any of its forms; in UTC when it names no zone.
func pointInTime(value string) (time.Time, bool) {
	part := dateAndTime().FindStringSubmatch(value)
	if part == nil {
		return time.Time{}, false
	}
	zone := "+0000"
	if part[3] != "" {
		zone = part[3] + (part[4] + "00")[:2]
	}
	for _, form := range dateForms {
		if at, err := time.Parse(form+" -0700", part[1]+part[5]+" "+zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
