package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

// The matrix of the pace runs in virtual time, in its own package. These are a
// few of its cells in real time: the program, a socket, and a real clock.

func TestWithoutARateTheQuotaIsFoundAndUsed(t *testing.T) {
	t.Parallel()
	const rows, quota = 1500, 100
	p := newProgram(t, rows, sandbox.Options{Latency: 20 * time.Millisecond, Quota: sandbox.Quota{Kind: sandbox.Bucket, Limit: quota, Window: time.Second}})
	c, stderr := p.start("--rate", "auto")
	require.Equal(t, 0, p.end(c), stderr)
	p.requireEachItsOwn(rows)

	calls := p.calls()
	assert.GreaterOrEqual(t, mostWithin(calls, 5*time.Second), 5*quota*94/100)
	whole := calls[len(calls)-1].Sub(calls[0]).Seconds()
	assert.GreaterOrEqual(t, rows/whole, 0.6*quota, "the search included")
	assert.LessOrEqual(t, p.service.Stats().Throttled, int64(rows*5/100), "nearly all of them while the quota is searched for")
}

func TestAnOutageCostsNoRowAndHardlyACall(t *testing.T) {
	t.Parallel()
	const rows, inFlight = 400, 16
	late := watchLateness(t)
	var ends []func()
	for _, kind := range []sandbox.OutageKind{sandbox.Refused, sandbox.Unavailable, sandbox.Hang, sandbox.Reset} {
		p := newProgram(t, rows, sandbox.Options{
			Latency: 20 * time.Millisecond,
			Outages: []sandbox.Outage{{From: 2 * time.Second, To: 7 * time.Second, Kind: kind}},
		})
		c, stderr := p.start("--rate", "50", "--max-inflight", strconv.Itoa(inFlight), "--timeout", "2s", "--max-attempts", "4")
		ends = append(ends, func() {
			require.Equal(t, 0, p.end(c), "%s: %s", kind, stderr)
			p.requireEachItsOwn(rows)
			stats := p.service.Stats()
			assert.LessOrEqual(t, stats.Outage, int64(20+inFlight), kind)
			assert.LessOrEqual(t, stats.BusiestSecond, 51+int64(50*late()), "%s: at --rate 50", kind)
			assert.Contains(t, stderr.String(), "no row lost an attempt", kind)
		})
	}
	for _, end := range ends {
		end()
	}
}

func TestTheCeilingIsNeverPassedAndIsReached(t *testing.T) {
	t.Parallel()
	const rows, rate = 500, 50
	p := newProgram(t, rows, sandbox.Options{Latency: 20 * time.Millisecond, LatencyJitter: 20 * time.Millisecond})
	late := watchLateness(t)
	c, stderr := p.start("--rate", strconv.Itoa(rate))
	require.Equal(t, 0, p.end(c), stderr)
	assert.LessOrEqual(t, p.service.Stats().BusiestSecond, rate+1+int64(rate*late()))
	assert.GreaterOrEqual(t, mostWithin(p.calls(), 2*time.Second), 2*rate*98/100)
}

func TestAPaceIsRememberedForTheSameServiceAndAWeek(t *testing.T) {
	folder, now := t.TempDir(), time.Now()
	another := func(change func(*settings)) *job {
		s := &settings{outputs: outputs{results: filepath.Join(folder, "out.csv")}, limits: limits{pace: paceSettings{search: true}}}
		s.service.Target.BaseURL, s.service.Target.AppID = "https://service.example", "app"
		change(s)
		return &job{settings: s, voice: &cli.Voice{Log: slog.New(slog.DiscardHandler)}}
	}
	same := another(func(*settings) {})
	assert.Nil(t, same.recall(now), "nothing is there")

	summary := sink.Summary{
		Run: "run-1", Learned: &sink.Learned{PerSecond: 40, At: now.Add(-time.Hour)},
		Settings: map[string]string{"baseUrl": "https://service.example", "appId": "app"},
	}
	b, err := summary.Encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(sink.SummaryPath(same.settings.outputs.results), b, 0o600))
	require.NotNil(t, same.recall(now), "from the summary")
	assert.InDelta(t, 40, same.recall(now).PerSecond, 0)
	assert.Nil(t, same.recall(now.Add(8*24*time.Hour)), "old")
	assert.Nil(t, same.recall(now.Add(-2*time.Hour)), "from the future")
	for name, change := range map[string]func(*settings){
		"another service": func(s *settings) { s.service.Target.BaseURL = "https://other.example" },
		"another app":     func(s *settings) { s.service.Target.AppID = "other" },
		"a sandbox":       func(s *settings) { s.sandbox = true },
		"another output":  func(s *settings) { s.outputs.results += "x" },
	} {
		assert.Nil(t, another(change).recall(now), name)
	}
	require.NoError(t, os.WriteFile(sink.SummaryPath(same.settings.outputs.results), bytes.Replace(b, []byte(": 40"), []byte(": 90"), 1), 0o600))
	assert.Nil(t, same.recall(now), "edited")

	file := cli.LedgerFile{Path: filepath.Join(folder, "customers.db")}
	same.opened, err = file.Open(t.Context(), disk.OS{}, "test", 0)
	require.NoError(t, err)
	defer same.opened.Close()
	assert.Nil(t, same.recall(now))
	same.remember(50, now)
	require.NotNil(t, same.recall(now), "from the ledger")
	assert.InDelta(t, 50, same.recall(now).PerSecond, 0)
	elsewhere := another(func(s *settings) { s.service.Target.BaseURL = "https://other.example" })
	elsewhere.opened = same.opened
	assert.Nil(t, elsewhere.recall(now))
}

// calls are the times at which the rows were answered, the earliest first.
func (p *program) calls() []time.Time {
	var at []time.Time
	for _, r := range p.results() {
		t, err := time.Parse(time.RFC3339, r[len(r)-1])
		require.NoError(p.t, err)
		at = append(at, t)
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// mostWithin is the most calls in any stretch of a length: what a pace reaches
// does not depend on the machine having been busy for a moment.
func mostWithin(calls []time.Time, length time.Duration) int {
	most, from := 0, 0
	for to := range calls {
		for calls[to].Sub(calls[from]) >= length {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// watchLateness gives the seconds by which this busy machine made somebody
// late, at most: a call that was sent in time arrives late where sender or
// receiver had to wait for a core, and then it counts among those of the next
// second.
func watchLateness(t *testing.T) func() float64 {
	const every = 2 * time.Millisecond
	var most atomic.Int64
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last := time.Now(); ; last = time.Now() {
			select {
			case <-tick.C:
				most.Store(max(most.Load(), int64(time.Since(last)-every)))
			case <-t.Context().Done():
				return
			}
		}
	}()
	return func() float64 { return 2 * time.Duration(most.Load()).Seconds() }
}
