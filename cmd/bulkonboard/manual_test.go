package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// errorCodesInCode are the error codes that the source of the program gives, by
// the forms in which it gives them, and that source.
func errorCodesInCode(t *testing.T) (codes map[string]bool, text string) {
	t.Helper()
	forms := []*regexp.Regexp{
		regexp.MustCompile(`\b(?:Code|ErrorCode):\s*"([a-z_]+)"`),
		regexp.MustCompile(`\b[po]\.(?:add|problem)\("([a-z]+_[a-z_]+)"`),
		regexp.MustCompile(`\{[a-zA-Z]+, "([a-z]+_[a-z_]+)", " `), // of source/damage.go
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
			for _, m := range form.FindAllStringSubmatch(strings.ReplaceAll(string(b), "Notice{Code:", "Notice{"), -1) { // a notice is of no row
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
	file := filepath.Join("pages", page+".md")
	b, err := os.ReadFile(file) // not what is embedded: a page may have two tables, which are written one after the other
	require.NoError(t, err)
	text := string(b)
	before, rest, found := strings.Cut(text, header+"\n")
	require.True(t, found, "the page %s has a table with the header %s", page, header)
	after := rest
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+table+after), 0o600))
		return
	}
	assert.Equal(t, table, header+"\n"+strings.TrimSuffix(rest, after), "to write it again: go test ./cmd/bulkonboard -run %s -update", t.Name())
}

func TestTheManualHasTheErrorCodesOfTheCode(t *testing.T) {
	var rows []string
	for _, e := range sink.ErrorCodes() {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", e.Code, e.Text, e.Do))
	}
	requireTable(t, "troubleshooting", "| error code | meaning | what to do |", rows)
}

func TestTheManualHasTheExitCodesOfTheCode(t *testing.T) {
	var rows []string
	for _, e := range cli.ExitCodes() {
		rows = append(rows, fmt.Sprintf("| `%d` | %s | %s |", e.Code, e.Text, e.Do))
	}
	requireTable(t, "troubleshooting", "| exit code | meaning | what to do |", rows)
}

// TestTheManualHasTheFlagsOfRun in the groups of its help.
func TestTheManualHasTheFlagsOfRun(t *testing.T) {
	c := find(t, "run")
	var rows []string
	for _, g := range cli.FlagGroups(c) {
		rows = append(rows, "| **"+g.Title+"** | | |")
		for _, f := range g.Flags {
			name := "`--" + f.Name + "`"
			if f.Shorthand != "" {
				name += ", `-" + f.Shorthand + "`"
			}
			_, usage := pflag.UnquoteUsage(f)
			value := f.DefValue
			switch value {
			case "false", "[]", "0s", "0":
				value = ""
			}
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |", name, value, strings.ReplaceAll(usage, "|", "\\|")))
		}
	}
	requireTable(t, "settings", "| flag | default | meaning |", rows)
}

// find is a command by its name.
func find(t *testing.T, name string) *cobra.Command {
	t.Helper()
	c, _, err := rootCommand().Find([]string{name})
	require.NoError(t, err)
	return c
}

// TestEveryFlagThatTheDocumentationNamesIsAFlag of some command of the two
// programs, or of another program that is named beside it.
func TestEveryFlagThatTheDocumentationNamesIsAFlag(t *testing.T) {
	flags := map[string]bool{"help": true, "version": true}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(rootCommand())
	for _, other := range []string{"check", "ignore-missing", "array", "wrap", "task-queue", "task-queue-type", "queue-rps-limit", "tls", "build-arg", "always", "dirty", "rm"} {
		flags[other] = true // of sha256sum, sbatch, temporal, bulkonboard-temporal, git and podman
	}
	names := regexp.MustCompile("(?:^|[\\s`(])--([a-z][a-z0-9-]*)")
	files := []string{"../../README.md", "../../batch/README.md"}
	for _, page := range pageNames {
		files = append(files, "pages/"+page+".md")
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range names.FindAllStringSubmatch(string(b), -1) {
			assert.True(t, flags[m[1]], "%s names --%s, which no command has", file, m[1])
		}
	}
}

func TestTheReadmeIsShortAndBeginsWithTheTwoCommands(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	assert.LessOrEqual(t, len(b), 12<<10)
	screen := strings.Join(strings.SplitN(string(b), "\n", 41)[:40], "\n")
	assert.Contains(t, screen, "make run")
	assert.Contains(t, screen, "make test")
}
