package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
)

// errorCodesInCode are the error codes that the source of the program gives, by
// the forms in which it gives them, and that source.
func errorCodesInCode(t *testing.T) (codes map[string]bool, text string) {
	t.Helper()
	forms := []*regexp.Regexp{
		regexp.MustCompile(`\b(?:Code|ErrorCode):\s*"([a-z_]+)"`),
		regexp.MustCompile(`\.(?:add|problem)\("([a-z]+_[a-z_]+)"`),
		regexp.MustCompile(`(?:\{|mark\{"[^"]*", )"([a-z]+_[a-z_]+)"(?:, \w+, "|\}\n)`), // of source/damage.go
	}
	answers := regexp.MustCompile(`(?:return \w+, |\{"[a-z]+", )"([a-z_]+)"\}?,?\n`)
	codes = map[string]bool{}
	var all strings.Builder
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "sink/codes.go") || strings.Contains(path, "sandbox") {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		look := forms
		if name := filepath.Base(path); strings.Contains(path, "batch/session/") && (name == "judge.go" || name == "transport.go") {
			look = append(forms[:len(forms):len(forms)], answers)
		}
		for _, form := range look {
			for _, m := range form.FindAllStringSubmatch(string(b), -1) {
				codes[m[1]] = true
			}
		}
		return err
	}))
	return codes, all.String()
}

func TestEveryErrorCodeHasAnEntryAndEveryEntryIsOfACode(t *testing.T) {
	codes, text := errorCodesInCode(t)
	assert.Greater(t, len(codes), 40)
	for code := range codes {
		assert.Equal(t, code, sink.CodeEntryOf(code).Code)
		assert.NotContains(t, sink.CodeEntryOf(code).Text, "does not know", code)
	}
	seen := map[string]bool{}
	for _, e := range sink.ErrorCodes() {
		assert.False(t, seen[e.Code], e.Code)
		seen[e.Code] = true
		made := strings.HasPrefix(e.Code, "missing_") || strings.HasSuffix(e.Code, "NN")
		assert.True(t, made || strings.Contains(text, `"`+e.Code+`"`), "%s is given nowhere", e.Code)
	}
	assert.Equal(t, "http_5NN", sink.CodeEntryOf("http_503").Code)
	assert.Equal(t, "later", sink.CodeEntryOf("later").Code)
}

// requireTable compares a table of a page of the manual with what the code says.
func requireTable(t *testing.T, page, header string, rows []string) {
	t.Helper()
	columns := strings.Count(header, "|") - 1
	table := header + "\n|" + strings.Repeat(" --- |", columns) + "\n" + strings.Join(rows, "\n") + "\n"
	text := pageText(page)
	before, rest, found := strings.Cut(text, header+"\n")
	require.True(t, found, "the page %s has a table with the header %s", page, header)
	after := rest
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join("pages", page+".md"), []byte(before+table+after), 0o600))
		return
	}
	assert.Equal(t, table, header+"\n"+strings.TrimSuffix(rest, after), "to write it anew: go test ./cmd/bulkonboard -run %s -update", t.Name())
}

func TestTheManualHasTheErrorCodesOfTheCode(t *testing.T) {
	var rows []string
	for _, e := range sink.ErrorCodes() {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", e.Code, e.Text, e.Do))
	}
	requireTable(t, "troubleshooting", "| error code | meaning | what to do |", rows)
}
