package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Quota is how many calls the service takes. The zero value takes any number.
type Quota struct {
	Kind         QuotaKind
	Limit        float64       // calls in a Window
	Window       time.Duration // a second unless set
	Burst        float64       // of a bucket; Limit unless set
	RetryAfter   RetryAfterForm
	RejectsCount bool // of a sliding window: refused calls count too
}

// QuotaKind is how calls are counted.
type QuotaKind int

// The kinds of quota.
const (
	NoQuota QuotaKind = iota
	Bucket            // a token bucket, full at the start
	Window            // fixed windows from the first call on
	Sliding           // any stretch of a Window's length
)

// RetryAfterForm is how a 429 says when to come back.
type RetryAfterForm int

// The forms of Retry-After.
const (
	NoRetryAfter RetryAfterForm = iota
	Seconds
	Date
)

// errQuota is the hint that goes with every bad quota.
var errQuota = errors.New(`a quota looks like "200/s", "3000/60s,window", "50/s,bucket,burst=100", "50/s,sliding,rejects-count"; add ",retry-after=seconds" or "=date"`)

// ParseQuota reads a quota such as "200/s" or "3000/60s,window,retry-after=date".
func ParseQuota(s string) (Quota, error) {
	rate, rest, _ := strings.Cut(s, ",")
	limit, window, ok := strings.Cut(rate, "/")
	q := Quota{Kind: Bucket}
	var err error
	if q.Limit, err = strconv.ParseFloat(limit, 64); err != nil || !ok || !(q.Limit > 0) || q.Limit > 1e9 {
		return Quota{}, fmt.Errorf("%q: %w", s, errQuota)
	}
	if window != "" && (window[0] < '0' || window[0] > '9') {
		window = "1" + window
	}
	if q.Window, err = time.ParseDuration(window); err != nil || q.Window <= 0 {
		return Quota{}, fmt.Errorf("%q: %w", s, errQuota)
	}
	if rest == "" {
		return q, nil
	}
	for option := range strings.SplitSeq(rest, ",") {
		if err := q.option(option); err != nil {
			return Quota{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	return q, nil
}

func (q *Quota) option(option string) error {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "bucket":
		q.Kind = Bucket
	case "window":
		q.Kind = Window
	case "sliding":
		q.Kind = Sliding
	case "rejects-count":
		q.RejectsCount = true
	case "burst":
		burst, err := strconv.ParseFloat(value, 64)
		if err != nil || !(burst >= 1) {
			return errQuota
		}
		q.Burst = burst
	case "retry-after":
		switch value {
		case "seconds":
			q.RetryAfter = Seconds
		case "date":
			q.RetryAfter = Date
		default:
			return errQuota
		}
	default:
		return errQuota
	}
	return nil
}

// meter counts calls against a quota. It is a pure function of the times that
// it is given, which must not run backwards.
type meter struct {
	quota  Quota
	start  time.Time // of the bucket's level, or of the window
	level  float64   // tokens in the bucket, or calls in the window
	recent []time.Time
}

// take reports whether a call at now is within the quota, and if not, how long
// the caller does well to wait.
func (m *meter) take(now time.Time) (wait time.Duration, ok bool) {
	switch m.quota.Kind {
	case Bucket:
		return m.bucket(now)
	case Window:
		return m.window(now)
	case Sliding:
		return m.sliding(now)
	default:
		return 0, true
	}
}

func (m *meter) bucket(now time.Time) (time.Duration, bool) {
	burst := m.quota.Burst
	if burst == 0 {
		burst = max(1, m.quota.Limit)
	}
	perSecond := m.quota.Limit / m.quota.Window.Seconds()
	if m.start.IsZero() {
		m.level = burst
	} else {
		m.level = min(burst, m.level+now.Sub(m.start).Seconds()*perSecond)
	}
	m.start = now
	if m.level >= 1 {
		m.level--
		return 0, true
	}
	return time.Duration((1 - m.level) / perSecond * float64(time.Second)), false
}

func (m *meter) window(now time.Time) (time.Duration, bool) {
	if m.start.IsZero() {
		m.start = now
	}
	if passed := now.Sub(m.start) / m.quota.Window; passed > 0 {
		m.start = m.start.Add(passed * m.quota.Window)
		m.level = 0
	}
	if m.level < m.quota.Limit {
		m.level++
		return 0, true
	}
	return m.start.Add(m.quota.Window).Sub(now), false
}

func (m *meter) sliding(now time.Time) (time.Duration, bool) {
	for len(m.recent) > 0 && now.Sub(m.recent[0]) >= m.quota.Window {
		m.recent = m.recent[1:]
	}
	within := float64(len(m.recent)) < m.quota.Limit
	if within || m.quota.RejectsCount {
		m.recent = append(m.recent, now)
	}
	if within {
		return 0, true
	}
	return m.quota.Window - now.Sub(m.recent[0]), false
}

// tell puts the wait into the header of a 429, rounded up to whole seconds.
func (f RetryAfterForm) tell(h http.Header, now time.Time, wait time.Duration) {
	seconds := int64((wait + time.Second - 1) / time.Second)
	switch f {
	case Seconds:
		h.Set("Retry-After", strconv.FormatInt(max(1, seconds), 10))
	case Date:
		h.Set("Retry-After", now.Add(time.Duration(seconds)*time.Second).UTC().Format(http.TimeFormat))
	case NoRetryAfter:
	}
}
