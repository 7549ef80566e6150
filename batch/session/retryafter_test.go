package session

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestRetryAfterInEveryFormSeen(t *testing.T) {
	const date = "Fri, 02 Jan 2026 15:00:30 GMT"
	cases := []struct {
		name, value, date string
		want              time.Duration
	}{
		{"seconds", "120", "", 2 * time.Minute},
		{"blanks around", " 120 ", "", 2 * time.Minute},
		{"a fraction", "1.5", "", 1500 * time.Millisecond},
		{"quoted", `"3"`, "", 3 * time.Second},
		{"in single quotes", `'3'`, "", 3 * time.Second},
		{"a unit", "3s", "", 3 * time.Second},
		{"a unit in words", "3 seconds", "", 3 * time.Second},
		{"one of a unit", "1 second", "", time.Second},
		{"a unit in capitals", "2 Minutes", "", 2 * time.Minute},
		{"hours", "1 hr", "", time.Hour},
		{"milliseconds", "1500ms", "", 1500 * time.Millisecond},
		{"several units", "1m30s", "", 90 * time.Second},
		{"several units in words", "1 minute 30 seconds", "", 90 * time.Second},
		{"a duration of ISO 8601", "PT1M30S", "", 90 * time.Second},
		{"a list", "120, 60", "", 2 * time.Minute},
		{"a list with a word first", "soon, 60", "", time.Minute},
		{"a list of units", "5s, 10s", "", 5 * time.Second},
		{"epoch seconds", "1767355230", "", 30 * time.Second},
		{"epoch milliseconds", "1767355230000", "", 30 * time.Second},
		{"epoch seconds by the service's own clock", "1767366060", date, 30 * time.Second},
		{"a date", "Fri, 02 Jan 2026 12:01:00 GMT", "", time.Minute},
		{"a date, quoted", `"Fri, 02 Jan 2026 12:01:00 GMT"`, "", time.Minute},
		{"a date in RFC 850", "Friday, 02-Jan-26 12:01:00 GMT", "", time.Minute},
		{"a date in asctime", "Fri Jan  2 12:01:00 2026", "", time.Minute},
		{"a date as Unix prints it", "Fri Jan  2 12:01:00 UTC 2026", "", time.Minute},
		{"a date as in cookies", "Fri, 02-Jan-2026 12:01:00 GMT", "", time.Minute},
		{"a date of one digit", "Fri, 2 Jan 2026 12:01:00 GMT", "", time.Minute},
		{"a date without the day's name", "2 Jan 2026 12:01:00 GMT", "", time.Minute},
		{"a date in UTC", "Fri, 02 Jan 2026 12:01:00 UTC", "", time.Minute},
		{"a date with a zone in digits", "Fri, 02 Jan 2026 16:01:00 +0400", "", time.Minute},
		{"a date of RFC 3339", "2026-01-02T12:01:00Z", "", time.Minute},
		{"a date of RFC 3339 with a zone", "2026-01-02T16:01:00+04:00", "", time.Minute},
		{"a date of ISO 8601 with a zone", "2026-01-02T16:01:00.500+0400", "", time.Minute + 500*time.Millisecond},
		{"a date of ISO 8601 with hours for a zone", "2026-01-02T08:31:00-03:30", "", time.Minute},
		{"a date of ISO 8601 without a zone", "2026-01-02 12:01:00", "", time.Minute},
		{"a date of ISO 8601 in words", "2026-01-02 12:01:00 UTC", "", time.Minute},
		{"a date by the service's own clock", "Fri, 02 Jan 2026 15:01:00 GMT", date, 30 * time.Second},
		{"a date beside a Date that cannot be read", "Fri, 02 Jan 2026 12:01:00 GMT", "today", time.Minute},
		{"a past date", "Fri, 02 Jan 2026 11:00:00 GMT", "", 0},
		{"a past point in time", "1767355100", "", 0},
		{"zero", "0", "", 0},
		{"zero seconds", "0s", "", 0},
		{"negative", "-5", "", 0},
		{"nothing", "", "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, odd := retryAfter(http.Header{"Retry-After": {c.value}, "Date": {c.date}}, noon)
			assert.Equal(t, c.want, got)
			assert.Empty(t, odd)
		})
	}
}

func TestARetryAfterThatCannotBeObeyedIsNamed(t *testing.T) {
	for _, value := range []string{
		"soon", "NaN", "Inf", "99999999", "3 fortnights", "3 s later", "Fri, 02 Jan 2026 12:01:00 GST", "Friday, 02-Jan-26 12:01:00 CET",
		"2026-13-02T12:01:00Z", "12:01", "2026-01-02", "1e400", `""x""`, "PT", "s",
	} {
		wait, odd := retryAfter(http.Header{"Retry-After": {value}}, noon)
		assert.Zero(t, wait, value)
		assert.Equal(t, value, odd)
	}
	long := strings.Repeat("1", 1000)
	_, odd := retryAfter(http.Header{"Retry-After": {long}}, noon)
	assert.Equal(t, long[:maxRetryAfter], odd)

	wait, odd := retryAfter(http.Header{"Retry-After": {"soon", "7"}}, noon)
	assert.Equal(t, 7*time.Second, wait, "the first that can be read counts")
	assert.Empty(t, odd)
}

func TestMillisecondsAreMoreExactThanSeconds(t *testing.T) {
	for _, key := range []string{"retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"} {
		h := http.Header{"Retry-After": {"1"}}
		h.Set(key, "250")
		wait, _ := retryAfter(h, noon)
		assert.Equal(t, 250*time.Millisecond, wait, key)
		h.Set(key, "soon")
		wait, _ = retryAfter(h, noon)
		assert.Equal(t, time.Second, wait, key)
	}
}

func FuzzHeadersNeverAskForAnAbsurdWait(f *testing.F) {
	for _, seed := range []string{
		"5", "-1", "1e300", `"3"`, "1m30s", "3 seconds", "120, 60", "PT1M", "Fri, 02 Jan 2026 12:01:00 GMT", "2026-01-02T16:01:00+04:00",
		"Fri Jan  2 12:01:00 UTC 2026", "1767355230000", `"p";q=1;w=1;r=0;t=9`, "9999-99-99T99:99:99Z", strings.Repeat("9", 400) + "d",
	} {
		f.Add(seed, "")
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		h := http.Header{"Retry-After": {value}, "Date": {date}, "Ratelimit": {value}, "Ratelimit-Policy": {value}, "X-Ratelimit-Reset": {value}}
		wait, odd := retryAfter(h, noon)
		limit := rateLimit(h, noon)
		for _, d := range []time.Duration{wait, limit.Window, limit.Reset} {
			assert.GreaterOrEqual(t, d, time.Duration(0))
			assert.LessOrEqual(t, d, maxHint)
		}
		assert.LessOrEqual(t, len(odd), maxRetryAfter)
		assert.False(t, wait > 0 && odd != "")
		assert.GreaterOrEqual(t, limit.Remaining, 0.0)
	})
}
