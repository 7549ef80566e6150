package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/sandbox"
	"bulkonboard/batch/state"
)

// killVariable makes the program kill itself right before the n-th operation
// that changes the disk; with atTheEnd before the number, the n-th from when a
// summary is written, which is when a start ends.
const (
	killVariable = "BULKONBOARD_TEST_KILL_AT"
	atTheEnd     = "end:"
)

// killedAt is the environment of a program that is killed at a point. It lives for
// some tenths of a second and is started by the thousand, so it leaves its garbage.
func killedAt(point string) []string { return []string{killVariable + "=" + point, "GOGC=400"} }

// lethal is a file system that kills the process at an operation.
type lethal struct {
	disk.FS
	left *atomic.Int64
	end  int64 // that are left once a start ends; 0: they are counted from the beginning
}

func lethalFromEnvironment() disk.FS {
	text, end := strings.CutPrefix(os.Getenv(killVariable), atTheEnd)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return disk.OS{}
	}
	l := lethal{FS: disk.OS{}, left: new(atomic.Int64)}
	if end {
		l.end = n
	} else {
		l.left.Store(n)
	}
	return l
}

func (l lethal) count() {
	if l.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

func (l lethal) OpenFile(name string, flag int, perm fs.FileMode) (disk.File, error) {
	if flag&os.O_CREATE != 0 {
		if l.end > 0 && strings.HasSuffix(name, state.Summary+".tmp") {
			l.left.Store(l.end)
		}
		l.count()
	}
	f, err := l.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return lethalFile{f, l}, nil
}

func (l lethal) Rename(from, to string) error { l.count(); return l.FS.Rename(from, to) }
func (l lethal) Link(from, to string) error   { l.count(); return l.FS.Link(from, to) }
func (l lethal) Remove(name string) error     { l.count(); return l.FS.Remove(name) }
func (l lethal) SyncDir(name string) error    { l.count(); return l.FS.SyncDir(name) }

type lethalFile struct {
	disk.File
	fs lethal
}

func (f lethalFile) Write(b []byte) (int, error) { f.fs.count(); return f.File.Write(b) }
func (f lethalFile) Truncate(size int64) error   { f.fs.count(); return f.File.Truncate(size) }
func (f lethalFile) Sync() error                 { f.fs.count(); return f.File.Sync() }

const killRows, killInFlight = 12, 2

// TestARunKilledAtEveryPointGoesOn kills the real program before each of its
// changes of the disk in turn, from the first folder to the last removal, then
// once more in the recovery, and lets it finish.
func TestARunKilledAtEveryPointGoesOn(t *testing.T) {
	killEverywhere(t, func(p *program) []string {
		return []string{
			"run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--rejects", p.file("rejects.csv"),
			"--rate", "0", "--max-inflight", strconv.Itoa(killInFlight),
		}
	})
}

// TestARetryKilledAtEveryPointGoesOn does the same to a retry that replaces its
// own input: the rename in which it ends is among the points.
func TestARetryKilledAtEveryPointGoesOn(t *testing.T) {
	killEverywhere(t, func(p *program) []string {
		var b bytes.Buffer
		b.WriteString("customerType,customerEmail,firstName,lastName,onboardingStatus,sessionId,errorCode,errorMessage,attempts,processedAt\n")
		for i := 1; i <= killRows; i++ {
			status, id := "failed", ""
			if i%3 == 0 {
				status, id = "ok", sandbox.SessionID("form", fmt.Sprintf("c%d@example.com", i))
			}
			fmt.Fprintf(&b, "Individual,c%d@example.com,First%d,Last,%s,%s,,,1,2026-01-31T02:00:00.000Z\n", i, i, status, id)
		}
		require.NoError(p.t, os.WriteFile(p.file("out.csv"), b.Bytes(), 0o600))
		require.NoError(p.t, sealResults(p.file("out.csv"), map[string]string{"tenantId": "tenant", "formId": "form"}))
		return []string{"retry", p.file("out.csv"), "--rate", "0", "--max-inflight", strconv.Itoa(killInFlight)}
	})
}

// TestARunFromStandardInputKilledAtEveryPointGoesOn does it to a list that
// must be kept first.
func TestARunFromStandardInputKilledAtEveryPointGoesOn(t *testing.T) {
	killEverywhere(t, func(p *program) []string {
		p.stdin = p.file("list.csv")
		return []string{"run", "-i", "-", "-o", p.file("out.csv"), "--rate", "0", "--max-inflight", strconv.Itoa(killInFlight)}
	})
}

// TestARunWithALedgerKilledAtEveryPointGoesOn does it to a run that records
// what it knows, between its results and its checkpoint; in the end, every
// customer is known.
func TestARunWithALedgerKilledAtEveryPointGoesOn(t *testing.T) {
	killEverywhere(t, func(p *program) []string {
		p.after = func() {
			calls := p.service.Stats().Calls
			p.env = append(p.env, killedAt("0")...)
			c, stderr := p.command("run", "-i", p.file("list.csv"), "-o", p.file("next.csv"), "--ledger", p.file("customers.db"))
			require.Equal(p.t, 0, p.end(c), stderr.String())
			assert.Regexp(p.t, fmt.Sprintf(`(?m)^  known +%d$`, killRows), stderr.String())
			assert.Equal(p.t, calls, p.service.Stats().Calls)
		}
		return []string{
			"run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--ledger", p.file("customers.db"),
			"--rate", "0", "--max-inflight", strconv.Itoa(killInFlight),
		}
	})
}

// pointsAtOnce is how many points of the disk are taken together: as many as
// keep the processors busy, and few enough that hardly one is beyond the last.
const pointsAtOnce = 4

// atPoint has the program killed at a point of the disk, and reports whether it
// was still to be killed there.
type atPoint func(t *testing.T, n int) (killed bool)

// atEveryPoint has the program killed at each point of the disk, until one is
// beyond the last and kills nothing, and returns how many there are.
func atEveryPoint(t *testing.T, kill atPoint) int {
	return atEveryPointOf(t, func(*testing.T) atPoint { return kill })
}

// atEveryPointOf does so where what comes before the kill can be made once for
// the points that are taken one after the other.
func atEveryPointOf(t *testing.T, prepare func(t *testing.T) atPoint) int {
	var next atomic.Int64
	var done atomic.Bool
	beyond := slices.Repeat([]int{math.MaxInt}, pointsAtOnce)
	t.Run("points", func(t *testing.T) {
		for i := range beyond {
			t.Run(fmt.Sprint("lane ", i+1), func(t *testing.T) {
				t.Parallel()
				kill := prepare(t)
				for !done.Load() {
					n := int(next.Add(1))
					passed := t.Run(strconv.Itoa(n), func(t *testing.T) {
						if !kill(t, n) {
							beyond[i] = n
						}
					})
					if !passed || beyond[i] == n {
						done.Store(true)
					}
				}
			})
		}
	})
	require.False(t, t.Failed())
	return slices.Min(beyond) - 1
}

func killEverywhere(t *testing.T, prepare func(*program) []string) {
	points := atEveryPoint(t, func(t *testing.T, n int) bool { return killAt(t, n, prepare) > 0 })
	t.Logf("killed at each of %d points", points)
	require.GreaterOrEqual(t, points, 30)
}

// killAt kills a run at a point, and once more in the recovery, lets it finish,
// and returns how often it was killed.
func killAt(t *testing.T, n int, prepare func(*program) []string) (kills int) {
	p := newProgram(t, killRows, sandbox.Options{})
	args := prepare(p)
	for _, at := range []int{n, 1 + n%9, 0} {
		p.env = append(p.env, killedAt(strconv.Itoa(at))...)
		c, stderr := p.command(args...)
		code := p.end(c)
		if code == -1 {
			kills++
			continue
		}
		require.Equal(t, 0, code, stderr.String())
		break
	}
	p.requireEachItsOwn(killRows)
	if p.after != nil {
		p.after()
	}
	p.requireItsSummary(killRows)
	left, err := filepath.Glob(p.file("out.csv.state/*"))
	require.NoError(t, err)
	for _, name := range left {
		assert.Contains(t, []string{"lock", "holder.json", "spool", "spool.sum"}, filepath.Base(name), "nothing but a folder without a run may be left")
	}
	assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(kills*killInFlight), "killed at %d", n)
	return kills
}
