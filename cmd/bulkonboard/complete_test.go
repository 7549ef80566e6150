package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// ending is a way in which a run ends: what stands before it, and its command.
type ending struct {
	name    string
	prepare func(*program) []string
}

var endings = []ending{
	{"a merge", func(p *program) []string {
		p.done("plan", "-i", p.file("list.csv"), "--job", p.file("job"), "--rate", "0", "--parallel", "1", "--chunk-rows", "6")
		p.done("run-chunk", "--job", p.file("job"), "--index", "0")
		p.done("run-chunk", "--job", p.file("job"), "--index", "1")
		return []string{"merge", "--job", p.file("job"), "-o", p.file("out.csv"), "--rejects", p.file("rejects.csv")}
	}},
	{"first results", func(p *program) []string { return p.ended() }},
	{"with a ledger", func(p *program) []string { return p.ended("--ledger", p.file("customers.db")) }},
	{"over other results", func(p *program) []string {
		p.earlier("run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--form-id", "other", "--rejects", p.file("rejects.csv"))
		return p.ended("--overwrite")
	}},
	{"over other results, with a ledger", func(p *program) []string {
		p.earlier("run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--form-id", "other", "--ledger", p.file("customers.db"), "--rejects", p.file("rejects.csv"))
		return p.ended("--overwrite", "--ledger", p.file("customers.db"))
	}},
	{"a retry in place", func(p *program) []string {
		p.earlier(p.ended("--ledger", p.file("customers.db"))...)
		return []string{"retry", p.file("out.csv")}
	}},
	{"a retry with corrections", func(p *program) []string {
		p.earlier(p.ended()...)
		c, stderr := p.command("fixes", p.file("out.csv"))
		require.Equal(p.t, 0, p.end(c), stderr.String())
		p.edit("out.csv.fixes.csv", replace("First5", "Fifth"))
		return []string{"retry", p.file("out.csv"), "--fixes", p.file("out.csv.fixes.csv")}
	}},
}

// ended is a run whose list has a customer that is refused.
func (p *program) ended(args ...string) []string {
	return append([]string{
		"run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--rejects", p.file("rejects.csv"),
		"--rate", "0", "--max-inflight", strconv.Itoa(killInFlight),
	}, args...)
}

// earlier makes a run that nothing kills.
func (p *program) earlier(args ...string) {
	c, stderr := p.command(args...)
	require.Equal(p.t, cli.ExitBadRows, p.end(c), stderr.String())
}

// done makes a part of a job.
func (p *program) done(args ...string) {
	c, stderr := p.command(args...)
	require.Equal(p.t, cli.ExitOK, p.end(c), stderr.String())
}

// killedOnce kills a command at a point, and reports whether it was still to be
// killed there and whether all calls had been answered. Then it ends as it would
// have, whatever kills it once more, and calls nobody whose answer it had.
func killedOnce(t *testing.T, e ending, at string, again int) (killed, answered bool) {
	p := newProgram(t, killRows, sandbox.Options{})
	list, err := os.ReadFile(p.file("list.csv"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.file("list.csv"), bytes.ReplaceAll(list, []byte("c5@example.com"), []byte("c5@refused.example")), 0o600))
	args := e.prepare(p)
	before := p.service.Stats().Calls
	calls := before + map[string]int64{"run": killRows, "retry": 1}[args[0]]
	env := p.env
	for _, kill := range []string{at, strconv.Itoa(again), "0"} {
		p.env = append(env, killVariable+"="+kill)
		c, stderr := p.command(args...)
		code := p.end(c)
		if killed = killed || code == -1; code == -1 {
			answered = answered || p.service.Stats().Calls >= calls
			calls = max(calls, p.service.Stats().Calls)
			continue
		}
		require.Equal(t, cli.ExitBadRows, code, stderr.String())
	}
	if answered {
		assert.Equal(t, calls, p.service.Stats().Calls, "%s, killed at %s", e.name, at)
	}
	c, stderr := p.command(args...)
	assert.Equal(t, cli.ExitBadRows, p.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "already complete")
	assert.Regexp(t, `(?m)^  ok         11$`, stderr.String())
	p.requireItsSummary(killRows)
	assert.NoDirExists(t, p.file("out.csv.state"))
	return killed, answered
}

func TestACommandKilledOnItsWayOutIsFoundCompleteAndCallsNobody(t *testing.T) {
	for _, e := range endings[4:] {
		t.Run(e.name, func(t *testing.T) {
			points := atEveryPoint(t, func(t *testing.T, n int) bool {
				killed, answered := killedOnce(t, e, fmt.Sprint(atTheEnd, n), 1+n%7)
				assert.Equal(t, killed, answered)
				return killed
			})
			assert.Greater(t, points, 12)
		})
	}
}
