package session

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxHint bounds every wait that a header can ask for: what is longer is a
// mistake in the header.
const maxHint = 366 * 24 * time.Hour

// RateLimit is what the RateLimit headers of a reply say, in any of their
// spellings. Zero values mean that they say nothing.
type RateLimit struct {
	Quota        float64 // calls in a window
	Window       time.Duration
	Remaining    float64 // calls left in this window
	RemainingSet bool
	Reset        time.Duration // until the window ends
	Concurrent   int           // calls at once, where the policy limits those
}

// header is the first value of a header, by its key as net/http writes it: with
// Get, the keys that nearly every reply lacks would be a cost for each.
func header(h http.Header, key string) string {
	if values := h[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func hint(seconds float64) (time.Duration, bool) {
	if !(seconds > 0) || seconds > maxHint.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

func number(s string) (float64, bool) {
	if s == "" {
		return 0, false // as nearly always, and without the garbage of an error
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// namesQuota reports whether any header tells of a quota.
func namesQuota(h http.Header) bool {
	for _, key := range [...]string{"Ratelimit-Policy", "Ratelimit", "Ratelimit-Limit", "X-Ratelimit-Limit"} {
		if header(h, key) != "" {
			return true
		}
	}
	return false
}

// rateLimit reads RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-
// headers-11), and where they are absent their older and X- spellings.
func rateLimit(h http.Header, now time.Time) RateLimit {
	var l RateLimit
	for name, value := range parameters(h.Get("RateLimit-Policy")) {
		l.policy(name, value)
	}
	if l.Quota > 0 && l.Concurrent != 0 {
		l = RateLimit{Concurrent: int(l.Quota)}
	}
	current := parameters(h.Get("RateLimit"))
	remaining, reset := current["r"], current["t"]
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-"} {
		remaining = cmp.Or(remaining, h.Get(prefix+"Remaining"))
		reset = cmp.Or(reset, h.Get(prefix+"Reset"))
		if n, ok := number(h.Get(prefix + "Limit")); ok && n > 0 && l.Quota == 0 && l.Concurrent == 0 {
			l.Quota = n
		}
	}
	if n, ok := number(remaining); ok && n >= 0 {
		l.Remaining, l.RemainingSet = n, true
	}
	if seconds, ok := oneWait(reset, now); ok {
		l.Reset, _ = hint(seconds)
	}
	return l
}

func (l *RateLimit) policy(name, value string) {
	n, ok := number(value)
	switch {
	case name == "q" && ok && n > 0 && n < math.MaxInt32:
		l.Quota = n
	case name == "w" && ok:
		l.Window, _ = hint(n)
	case name == "qu" && value == "concurrent-requests":
		l.Concurrent = 1
	}
}

// parameters reads the parameters of the first item of a structured field:
// `"default";r=50;t=30`.
func parameters(field string) map[string]string {
	first, _, _ := strings.Cut(field, ",")
	_, rest, _ := strings.Cut(first, ";")
	p := map[string]string{}
	for part := range strings.SplitSeq(rest, ";") {
		if name, value, ok := strings.Cut(part, "="); ok {
			p[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return p
}
