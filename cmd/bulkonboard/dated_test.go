package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestTheDateOfANameReadsBack(t *testing.T) {
	day := time.Date(2026, 11, 29, 2, 0, 0, 0, time.Local)
	for pattern, want := range map[string]string{
		"results-%Y-%m-%d.csv":    "results-2026-11-29.csv",
		"a.b+(2)/2-%d%m%Y.jsonl":  "a.b+(2)/2-29112026.jsonl",
		"%Y/%Y-%m.csv":            "%Y/2026-11.csv",
		"1-2-3-%Y.csv":            "1-2-3-2026.csv",
		"100%.csv":                "100%.csv",
		"results-%Y-%m-%d-%H.csv": "results-2026-11-29-%H.csv",
	} {
		name := dated(pattern, day)
		assert.Equal(t, want, name)
		read, is := dayOf(filepath.Base(pattern), filepath.Base(name), time.Local)
		assert.True(t, is, name)
		assert.Equal(t, name, dated(pattern, read))
	}
	for _, other := range []string{"results-2026-11.csv", "results-x-11-29.csv", "results-2026-11-29.csv.summary.json", ""} {
		_, is := dayOf("results-%Y-%m-%d.csv", other, time.Local)
		assert.False(t, is, other)
	}
}

func FuzzTheDateOfANameReadsBack(f *testing.F) {
	f.Add("results-%Y-%m-%d.csv", "results-2026-11-29.csv", int64(20_000))
	f.Add("%d%m%Y", "29112026", int64(0))
	f.Add("\xff%Y", "\xff2026", int64(0))
	f.Fuzz(func(t *testing.T, pattern, name string, days int64) {
		if strings.Contains(pattern, "/") || !utf8.ValidString(pattern) {
			_, is := dayOf(pattern, name, time.UTC)
			assert.False(t, is && !utf8.ValidString(pattern))
			return
		}
		_, _ = dayOf(pattern, name, time.UTC)
		made := dated(pattern, time.Unix(days%100_000*86_400, 0).UTC())
		read, is := dayOf(pattern, made, time.UTC)
		assert.True(t, is, made)
		if strings.Count(pattern, "%Y") <= 1 && strings.Count(pattern, "%m") <= 1 && strings.Count(pattern, "%d") <= 1 && !strings.Contains(pattern, "%d") {
			assert.Equal(t, made, dated(pattern, read))
		}
	})
}
