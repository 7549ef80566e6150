package main

import (
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
)

// planned is a program with a job in chunks.
func planned(t *testing.T, rows int, o sandbox.Options, flags ...string) *program {
	p := newProgram(t, rows, o)
	p.runs(append([]string{"plan", "-i", p.file("list.csv"), "--job", p.file("job")}, flags...)...)
	return p
}

// runs runs a command that must succeed.
func (p *program) runs(args ...string) {
	p.t.Helper()
	c, stderr := p.command(args...)
	require.Zero(p.t, p.end(c), stderr.String())
}

func (p *program) chunk(index int) *exec.Cmd {
	c, _ := p.command("run-chunk", "--job", p.file("job"), "--index", strconv.Itoa(index), "--flush-every", "50ms")
	return c
}

func TestAChunkKilledAtRandomGoesOnAndRepeatsOnlyWhatWasNotPut(t *testing.T) {
	const rows, perSecond, inFlight, flush = 1200, 400, 8, 50 * time.Millisecond
	p := planned(t, rows, sandbox.Options{Latency: 5 * time.Millisecond}, "--rate", strconv.Itoa(perSecond), "--parallel", "1", "--max-inflight", strconv.Itoa(inFlight), "--chunk-rows", strconv.Itoa(rows))
	kills := 0
	for ; kills < 5; kills++ {
		enough := p.service.Stats().Calls + 20 + rand.Int64N(rows/8)
		c := p.chunk(0)
		p.until("calls", func() bool { return p.service.Stats().Calls >= enough })
		require.NoError(t, c.Process.Kill())
		require.Equal(t, -1, p.end(c))
	}
	require.Zero(t, p.end(p.chunk(0)))
	p.runs("merge", "--job", p.file("job"), "--output", p.file("out.csv"))
	p.requireEachItsOwn(rows)
	p.requireItsSummary(rows)
	// What is being put when a worker dies comes on top of what was gathered
	// since; both are of one interval, or the worker stops taking answers.
	each := inFlight + int64(2*flush.Seconds()*perSecond)
	assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(kills)*each)
}

func TestAChunkThatWasFrozenAndTakenOverStops(t *testing.T) {
	const rows = 1000
	p := planned(t, rows, sandbox.Options{}, "--rate", "500", "--parallel", "1", "--chunk-rows", strconv.Itoa(rows), "--max-inflight", "8")
	frozen := p.chunk(0)
	p.until("calls", func() bool { return p.service.Stats().Calls >= 100 })
	require.NoError(t, frozen.Process.Signal(syscall.SIGSTOP))
	other := p.chunk(0)
	p.until("more calls", func() bool { return p.service.Stats().Calls >= 300 })
	require.NoError(t, frozen.Process.Signal(syscall.SIGCONT))
	assert.Equal(t, 75, p.end(frozen))
	require.Zero(t, p.end(other))
	p.runs("merge", "--job", p.file("job"), "--output", p.file("out.csv"))
	p.requireEachItsOwn(rows)
}

func TestChunksAtOnceKeepToTheRateTogether(t *testing.T) {
	const rows, perSecond = 2000, 500
	p := planned(t, rows, sandbox.Options{Latency: 5 * time.Millisecond}, "--rate", strconv.Itoa(perSecond), "--parallel", "4", "--chunk-rows", "250")
	lane := func(first int) func() {
		return func() {
			for index := first; index < 8; index += 4 {
				assert.Zero(t, p.end(p.chunk(index)))
			}
		}
	}
	done := make(chan struct{})
	for i := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			lane(i)()
		}()
	}
	for range 4 {
		<-done
	}
	p.runs("merge", "--job", p.file("job"), "--output", p.file("out.csv"))
	p.requireEachItsOwn(rows)
	assert.LessOrEqual(t, p.service.Stats().BusiestSecond, int64(perSecond*1.02))
	assert.Zero(t, p.service.Stats().RepeatedCalls)
}

// TestTheCommandsOfAJobCanBePasted as plan, status and retry-job tell them, by a
// path to the program.
func TestTheCommandsOfAJobCanBePasted(t *testing.T) {
	p := newProgram(t, 1, sandbox.Options{})
	paste := func(command string) string {
		out, err := p.shell(command).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
		return string(out)
	}
	told := func(said, after, placeholder, value string) string {
		found := regexp.MustCompile(after + `: +(\S.*)`).FindStringSubmatch(said)
		require.Len(t, found, 2, said)
		command, _, _ := strings.Cut(found[1], ", with N from")
		return strings.Replace(command, placeholder, value, 1)
	}
	planned := paste(`"$0" plan -i list.csv --job "a job" --rate 0`)
	next := told(planned, "next", "N", "0")
	assert.Equal(t, next, told(paste(`"$0" status --job "a job"`), "next", "", ""))
	paste(next)
	assert.Contains(t, paste(told(planned, "last", "RESULTS", "out.csv")), "complete: 1 row")
	paste(told(paste(`"$0" status --job "a job"`), "next", "RESULTS", "also.csv"))
	paste(told(paste(`"$0" retry-job --job "a job"`), "next", "N", "0"))
}
