package session

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestRetryAfterInEveryFormSeen(t *testing.T) {
	cases := []struct {
		name, header, value, date string
		want                      time.Duration
	}{
		{"seconds", "Retry-After", "120", "", 2 * time.Minute},
		{"a fraction", "Retry-After", "1.5", "", 1500 * time.Millisecond},
		{"a point in time", "Retry-After", "1767355230", "", 30 * time.Second},
		{"milliseconds", "Retry-After-Ms", "250", "", 250 * time.Millisecond},
		{"a date", "Retry-After", "Fri, 02 Jan 2026 12:01:00 GMT", "", time.Minute},
		{"a date in RFC 850", "Retry-After", "Friday, 02-Jan-26 12:01:00 GMT", "", time.Minute},
		{"a date in asctime", "Retry-After", "Fri Jan  2 12:01:00 2026", "", time.Minute},
		{"a date by the server's own clock", "Retry-After", "Fri, 02 Jan 2026 15:01:00 GMT", "Fri, 02 Jan 2026 15:00:30 GMT", 30 * time.Second},
		{"a past date", "Retry-After", "Fri, 02 Jan 2026 11:00:00 GMT", "", 0},
		{"zero", "Retry-After", "0", "", 0},
		{"negative", "Retry-After", "-5", "", 0},
		{"words", "Retry-After", "soon", "", 0},
		{"not a number", "Retry-After", "NaN", "", 0},
		{"an absurd wait", "Retry-After", "99999999", "", 0},
		{"nothing", "X", "", "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h.Set(c.header, c.value)
			h.Set("Date", c.date)
			got, set := retryAfter(h, noon)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want > 0, set)
		})
	}
}

func TestRateLimitInItsSpellings(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	cases := []struct {
		name string
		h    http.Header
		want RateLimit
	}{
		{"the draft", header("RateLimit", `"default";r=50;t=30`, "RateLimit-Policy", `"default";q=100;w=60`), RateLimit{Quota: 100, Window: time.Minute, Remaining: 50, RemainingSet: true, Reset: 30 * time.Second}},
		{"a limit of concurrency", header("RateLimit-Policy", `"p";q=10;qu="concurrent-requests"`), RateLimit{Concurrent: 10}},
		{"the older draft", header("RateLimit-Limit", "100", "RateLimit-Remaining", "0", "RateLimit-Reset", "7"), RateLimit{Quota: 100, RemainingSet: true, Reset: 7 * time.Second}},
		{"epoch seconds", header("X-RateLimit-Remaining", "3", "X-RateLimit-Reset", "1767355230"), RateLimit{Remaining: 3, RemainingSet: true, Reset: 30 * time.Second}},
		{"epoch milliseconds", header("X-RateLimit-Reset", "1767355230000"), RateLimit{Reset: 30 * time.Second}},
		{"nonsense", header("RateLimit", ";;;=", "RateLimit-Policy", `q=-1`, "X-RateLimit-Remaining", "many"), RateLimit{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, rateLimit(c.h, noon)) })
	}
}

func TestAQuotaIsReadFromAnyAnswerThatNamesOne(t *testing.T) {
	cases := []struct {
		name          string
		status        int
		header, value string
		want          RateLimit
	}{
		{"a policy on a success", 200, "RateLimit-Policy", `"p";q=100;w=60`, RateLimit{Quota: 100, Window: time.Minute}},
		{"what is left, on a success", 200, "RateLimit", `"p";r=3;t=9`, RateLimit{Remaining: 3, RemainingSet: true, Reset: 9 * time.Second}},
		{"the older draft", 200, "RateLimit-Limit", "100", RateLimit{Quota: 100}},
		{"the X- spelling", 400, "X-RateLimit-Limit", "100", RateLimit{Quota: 100}},
		{"no quota", 200, "X-RateLimit-Reset", "9", RateLimit{}},
		{"a throttled answer that names none", 429, "X-RateLimit-Reset", "9", RateLimit{Reset: 9 * time.Second}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h.Set(c.header, c.value)
			assert.Equal(t, c.want, judge(parseReply(c.status, []byte(envelopeOf(c.status, "x", "id"))), h, noon).Limit)
		})
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { namesQuota(http.Header{}) }))
}

func FuzzHeadersNeverAskForAnAbsurdWait(f *testing.F) {
	for _, seed := range []string{"5", "-1", "1e300", "Fri, 02 Jan 2026 12:01:00 GMT", "1767355230000", `"p";q=1;w=1;r=0;t=9`} {
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		h := http.Header{"Retry-After": {value}, "Date": {date}, "Ratelimit": {value}, "Ratelimit-Policy": {value}, "X-Ratelimit-Reset": {value}}
		wait, set := retryAfter(h, noon)
		limit := rateLimit(h, noon)
		for _, d := range []time.Duration{wait, limit.Window, limit.Reset} {
			assert.GreaterOrEqual(t, d, time.Duration(0))
			assert.LessOrEqual(t, d, maxHint)
		}
		assert.Equal(t, set, wait > 0)
		assert.GreaterOrEqual(t, limit.Remaining, 0.0)
	})
}

func FuzzAnswersNeverPanicAndSuccessHasASession(f *testing.F) {
	f.Add(200, `{"statusCode":200,"messages":["x"],"result":{"sessionId":"a"}}`)
	f.Add(200, `{"statusCode":"x","messages":{},"result":null}`)
	f.Add(429, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := judge(parseReply(status, []byte(body)), http.Header{}, noon)
		assert.Equal(t, a.Outcome == OK, a.SessionID != "")
		assert.Equal(t, a.Outcome == OK, a.Code == "")
	})
}

func FuzzCleanTextIsSafeToShow(f *testing.F) {
	f.Add("plain", "s3cret-value")
	f.Add("\x1b[31mred \u202e evil s3cret-value\n\n", "s3cret-value")
	f.Add("s3cr\x00et-value", "s3cret-value")
	f.Fuzz(func(t *testing.T, text, secret string) {
		if len(secret) < 8 || !utf8.ValidString(secret) || strings.ContainsFunc(secret, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) || strings.Contains(redacted+"[customer]…\ufffd", secret) {
			return
		}
		clean := newScrubber(Secret(secret)).clean(text+secret, &ann)
		assert.LessOrEqual(t, utf8.RuneCountInString(clean), maxMessage)
		assert.NotContains(t, clean, secret)
		assert.False(t, strings.ContainsFunc(clean, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }), "%q", clean)
	})
}

func FuzzTheBodyIsValidJSONThatReadsBack(f *testing.F) {
	f.Add("Ann", `O'Brien "x" \ </script>`, "true")
	f.Add("\x00\x1f", "\xff", "")
	f.Fuzz(func(t *testing.T, first, last, send string) {
		r := Request{CustomerType: "Individual", Email: first, FirstName: first, LastName: last, SendEmail: send}
		var back struct {
			CustomerEmail string
			Individual    struct{ FirstName, LastName string }
		}
		require.NoError(t, json.Unmarshal(r.body(nil, prefixOf(&Config{})), &back))
		assert.Equal(t, strings.ToValidUTF8(first, "\ufffd") == first, back.Individual.FirstName == first)
		if utf8.ValidString(last) {
			assert.Equal(t, last, back.Individual.LastName)
		}
	})
}
