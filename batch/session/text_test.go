package session

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

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
		{"a date", header("X-RateLimit-Reset", "2026-01-02T12:00:30Z"), RateLimit{Reset: 30 * time.Second}},
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
			assert.Equal(t, c.want, judge(parsed(c.status, []byte(envelopeOf(c.status, "x", "id"))), h, noon).Limit)
		})
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { namesQuota(http.Header{}) }))
}

func FuzzTheBodyIsValidJSONThatReadsBack(f *testing.F) {
	f.Add("Ann", `O'Brien "x" \ </script>`, "true")
	f.Add("\x00\x1f", "\xff", "")
	f.Fuzz(func(t *testing.T, first, last, send string) {
		r := source.Customer{Type: "Individual", Email: first, FirstName: first, LastName: last, SendEmail: send}
		var back struct {
			CustomerEmail string
			Individual    struct{ FirstName, LastName string }
		}
		require.NoError(t, json.Unmarshal(bodyOf(&r, nil, prefixOf("", "", "")), &back))
		assert.Equal(t, strings.ToValidUTF8(first, "\ufffd") == first, back.Individual.FirstName == first)
		if utf8.ValidString(last) {
			assert.Equal(t, last, back.Individual.LastName)
		}
	})
}
