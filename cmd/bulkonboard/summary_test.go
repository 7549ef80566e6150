package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// TestTheSummaryIsOfAllStartsOfARun stops a run twice and reads what is said of
// it after each start.
func TestTheSummaryIsOfAllStartsOfARun(t *testing.T) {
	const rows = 300
	p := newProgram(t, rows, sandbox.Options{Latency: 20 * time.Millisecond})
	args := []string{"--rate", "0", "--max-inflight", "4", "--rejects", p.file("rejects.csv")}
	var first *sink.Summary
	for i := range 2 {
		c, stderr := p.start(args...)
		p.until("calls", func() bool { return p.service.Stats().Calls > int64(60*(i+1)) })
		require.NoError(t, c.Process.Signal(os.Interrupt))
		require.Equal(t, cli.ExitInterrupted, p.end(c), stderr.String())
		s, err := stoppedSummaryOf(p.file("out.csv"))
		require.NoError(t, err)
		assert.NoFileExists(t, p.file("out.csv.summary.json"), "there are no results yet")
		assert.False(t, s.Complete)
		assert.Equal(t, cli.ExitInterrupted, s.ExitCode)
		assert.Equal(t, "interrupted", s.Reason)
		assert.Equal(t, i, s.Resumed)
		assert.Nil(t, s.Output, "there is none")
		assert.Empty(t, s.Input.SHA256, "it was not read to its end")
		assert.NoFileExists(t, p.file("out.csv"))
		if first == nil {
			first = s
		}
	}
	c, stderr := p.start(args...)
	require.Equal(t, 0, p.end(c), stderr.String())
	s := p.requireItsSummary(rows)
	assert.Equal(t, first.Run, s.Run)
	assert.Equal(t, first.StartedAt, s.StartedAt)
	assert.Equal(t, 2, s.Resumed)
	assert.Zero(t, s.ExitCode)
	assert.Equal(t, map[sink.Status]int64{sink.OK: rows}, s.Status)
	assert.Equal(t, int64(rows), s.Attempts)
	assert.Equal(t, int64(rows), s.Latency.Count)
	assert.GreaterOrEqual(t, s.Latency.P50, 20.0)
	assert.Len(t, s.Timeline.Starts, 3)
	assert.Equal(t, p.file("list.csv"), s.Input.Name)
	assert.NotEmpty(t, s.Input.SHA256)
	assert.Equal(t, "form", s.Settings["formId"])
	info, err := os.Stat(p.file("out.csv.summary.json"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

func TestTheSummaryTellsWhatAQuotaCost(t *testing.T) {
	p := newProgram(t, 200, sandbox.Options{Quota: sandbox.Quota{Kind: sandbox.Window, Limit: 100, Window: time.Second}})
	c, stderr := p.start("--rate", "0", "--max-inflight", "8")
	require.Equal(t, 0, p.end(c), stderr.String())
	s := p.requireItsSummary(200)
	assert.Equal(t, p.service.Stats().Throttled, s.Throttled)
	assert.Positive(t, s.HeldSeconds)
	var calls, throttled int64
	held := 0.0
	for i := range s.Timeline.Rows {
		calls, throttled, held = calls+s.Timeline.Calls[i], throttled+s.Timeline.Throttled[i], held+s.Timeline.HeldSeconds[i]
	}
	assert.Equal(t, p.service.Stats().Calls, calls)
	assert.Equal(t, s.Throttled, throttled)
	assert.InDelta(t, s.HeldSeconds, held, 0.2)
}

func TestASummaryIsNeverWrittenOverAnotherFile(t *testing.T) {
	p := newProgram(t, 3, sandbox.Options{})
	require.NoError(t, os.WriteFile(p.file("out.csv.summary.json"), []byte("mine"), 0o600))
	c, stderr := p.start()
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "is not a summary of a run")
	c, stderr = p.start("--rejects", p.file("out.csv.summary.json"))
	assert.Equal(t, cli.ExitUsage, p.end(c))
	assert.Contains(t, stderr.String(), "--rejects and the summary of --output are one file")
	assert.Zero(t, p.service.Stats().Calls)
	c, stderr = p.start("--overwrite")
	assert.Equal(t, 0, p.end(c), stderr.String())
	p.requireItsSummary(3)

	c, stderr = p.start("--overwrite", "--restart")
	assert.Equal(t, 0, p.end(c), stderr.String())
	p.requireItsSummary(3)
}

// TestTheSummaryOfResultsOutlivesARunThatStops stops a run over the results of
// another: these can still be checked, and retried.
func TestTheSummaryOfResultsOutlivesARunThatStops(t *testing.T) {
	p := newProgram(t, 300, sandbox.Options{Latency: 10 * time.Millisecond})
	c, stderr := p.start("--rate", "0")
	require.Equal(t, 0, p.end(c), stderr.String())
	before := p.summary()
	args := []string{"--rate", "0", "--max-inflight", "4", "--overwrite", "--form-id", "other"}
	c, stderr = p.start(args...)
	p.until("calls", func() bool { return p.service.Stats().Calls > 310 })
	require.NoError(t, c.Process.Signal(os.Interrupt))
	require.Equal(t, cli.ExitInterrupted, p.end(c), stderr.String())
	assert.Equal(t, before, p.summary())
	code, _, said := p.verify()
	assert.Equal(t, cli.ExitOK, code, said)
	var out bytes.Buffer
	c, stderr = p.commandTo(&out, "status", p.file("out.csv"))
	require.Equal(t, cli.ExitOK, p.end(c), stderr.String())
	assert.Contains(t, out.String(), "reason     interrupted")
	c, stderr = p.command("report", p.file("out.csv"))
	require.Equal(t, cli.ExitOK, p.end(c), stderr.String())
	page, err := os.ReadFile(p.file("out.csv.report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "The run stopped after")

	c, stderr = p.start(args...)
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.NotEqual(t, before.Run, p.requireItsSummary(300).Run)
}

func TestARetryInPlaceLeavesTheSummaryOfItsOwn(t *testing.T) {
	p := newProgram(t, 20, sandbox.Options{})
	list, err := os.ReadFile(p.file("list.csv"))
	require.NoError(t, err)
	list = bytes.ReplaceAll(list, []byte("5@example.com"), []byte("5@refused.example"))
	require.NoError(t, os.WriteFile(p.file("list.csv"), list, 0o600))
	c, stderr := p.start("--rate", "0")
	require.Equal(t, cli.ExitBadRows, p.end(c), stderr.String())
	before := p.requireItsSummary(20)
	require.Len(t, before.Errors, 1)
	assert.Contains(t, before.Errors[0].Retry, fmt.Sprintf(" retry %s --error-code %s", p.file("out.csv"), before.Errors[0].Code))
	c, stderr = p.command("retry", p.file("out.csv"))
	require.Equal(t, cli.ExitBadRows, p.end(c), stderr.String())
	after := p.requireItsSummary(20)
	assert.NotEqual(t, before.Run, after.Run)
	assert.Equal(t, before.Output.SHA256, after.Input.SHA256)
	assert.Equal(t, before.Errors[0].Count, after.Attempts, "of this run only")
}
