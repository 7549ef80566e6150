package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// prepared is a program that stands before a command that is to be killed. It can
// be taken there again, at the same place and with the same service.
type prepared struct {
	program
	args  []string
	files map[string]string
}

func prepare(t *testing.T, e ending) *prepared {
	p := newProgram(t, killRows, sandbox.Options{})
	p.edit("list.csv", replace("c5@example.com", "c5@refused.example"))
	args := e.prepare(p)
	return &prepared{program: *p, args: args, files: p.everyFile()}
}

// again gives the program as it stood.
func (p *prepared) again(t *testing.T) *program {
	again := p.program
	again.t, again.env = t, slices.Clip(p.env)
	require.NoError(t, os.RemoveAll(p.folder))
	for path, text := range p.files {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return &again
}

// killedOnce kills a command at a point, and reports whether it was still to be
// killed there and whether all calls had been answered. Then it ends as it would
// have, whatever kills it once more, and calls no customer whose answer it had.
func (p *prepared) killedOnce(t *testing.T, at string, again int) (killed, answered bool) {
	q := p.again(t)
	before := q.service.Stats().Calls
	calls := before + map[string]int64{"run": killRows, "retry": 1}[p.args[0]]
	env := q.env
	for _, kill := range []string{at, strconv.Itoa(again), "0"} {
		q.env = append(env, killedAt(kill)...)
		c, stderr := q.command(p.args...)
		code := q.end(c)
		if killed = killed || code == -1; code == -1 {
			answered = answered || q.service.Stats().Calls >= calls
			calls = max(calls, q.service.Stats().Calls)
			continue
		}
		require.Equal(t, cli.ExitBadRows, code, stderr.String())
	}
	if answered {
		assert.Equal(t, calls, q.service.Stats().Calls, "killed at %s", at)
	}
	c, stderr := q.command(p.args...)
	assert.Equal(t, cli.ExitBadRows, q.end(c), stderr.String())
	assert.Contains(t, stderr.String(), "already complete")
	assert.Regexp(t, `(?m)^  ok         11$`, stderr.String())
	q.requireItsSummary(killRows)
	assert.NoDirExists(t, q.file("out.csv.state"))
	return killed, answered
}

func TestACommandKilledOnItsWayOutIsFoundCompleteAndMakesNoCall(t *testing.T) {
	for _, e := range endings[4:] {
		t.Run(e.name, func(t *testing.T) {
			points := atEveryPointOf(t, func(t *testing.T) atPoint {
				p := prepare(t, e)
				return func(t *testing.T, n int) bool {
					killed, answered := p.killedOnce(t, fmt.Sprint(atTheEnd, n), 1+n%7)
					assert.Equal(t, killed, answered)
					return killed
				}
			})
			assert.Greater(t, points, 12)
		})
	}
}
