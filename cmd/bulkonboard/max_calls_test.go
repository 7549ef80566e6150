package main

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

func TestARunThatIsKilledInWavesBeginsNoMoreCallsThanAWave(t *testing.T) {
	killInWaves(t, 300, 50, 12)
}

// killInWaves takes a list through the service in waves, kills a number of starts at
// a random call before the list is done, and checks how many customers each wave has called.
func killInWaves(t *testing.T, rows, wave, most int) {
	const inFlight = 8
	p := newProgram(t, rows, sandbox.Options{Latency: 2 * time.Millisecond, LatencyJitter: 4 * time.Millisecond})
	begins, kills, waves, doubts := int64(0), 0, 0, 0
	doubt := regexp.MustCompile(`calls_in_doubt=(\d+)`)
	for {
		c, stderr := p.start("--max-calls", strconv.Itoa(wave), "--rate", "0", "--max-inflight", strconv.Itoa(inFlight))
		switch {
		case kills == most:
			p.end(c)
		case p.killedAfter(c, 1+rand.Int64N(int64(rows/most))):
			kills++
		}
		p.until("no call is under way", func() bool { return p.service.Stats().InFlight == 0 })
		if m := doubt.FindStringSubmatch(stderr.String()); m != nil {
			n, _ := strconv.Atoi(m[1])
			doubts += n
		}
		called := p.service.Stats().Customers
		require.LessOrEqual(t, called-begins, int64(wave), "of all the starts of a wave together")
		switch code := c.ProcessState.ExitCode(); code {
		case -1:
			continue
		case cli.ExitStopped:
			require.Contains(t, stderr.String(), fmt.Sprintf("--max-calls %d is reached", wave))
			require.NoFileExists(t, p.file("out.csv"))
			begins, waves = called, waves+1
			continue
		default:
			require.Equal(t, cli.ExitOK, code, stderr.String())
		}
		break
	}
	p.requireEachItsOwn(rows)
	p.requireItsSummary(rows)
	stats := p.service.Stats()
	assert.LessOrEqual(t, stats.RepeatedCalls, int64(doubts), "only those in flight at a kill")
	assert.LessOrEqual(t, doubts, kills*inFlight)
	assert.GreaterOrEqual(t, waves, rows/wave-1)
	assert.Equal(t, most, kills)
	t.Logf("%d kills in %d waves, %d calls in doubt, %d of them had reached the service", kills, waves, doubts, stats.RepeatedCalls)
}

// killedAfter kills a command after that number of calls, unless it has ended by then,
// and reports whether it did.
func (p *program) killedAfter(c *exec.Cmd, calls int64) bool {
	enough := p.service.Stats().Calls + calls
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // its exit code says what became of it
	}()
	p.until("calls, or an end", func() bool {
		select {
		case <-ended:
			return true
		default:
			return p.service.Stats().Calls >= enough
		}
	})
	_ = c.Process.Kill()
	<-ended
	return c.ProcessState.ExitCode() == -1
}
