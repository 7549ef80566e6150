package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/sandbox"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
)

// interrupted is a program whose first night was killed when nearly all answers
// were in its journal and nowhere else: the first row had none yet, and results
// are written in order.
type interrupted struct {
	*program
	stuck atomic.Bool // the first customer's call is not answered
	rows  int         // of the first night
}

func newInterrupted(t *testing.T, rows int, o sandbox.Options) *interrupted {
	p := &interrupted{program: newProgram(t, rows, o), rows: rows}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if p.stuck.Load() && bytes.Contains(body, []byte(`"c1@example.com"`)) {
			<-r.Context().Done()
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.service.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.env = append(p.env, "BULKONBOARD_BASE_URL="+server.URL)

	p.stuck.Store(true)
	c, stderr := p.night("list.csv")
	p.until("answers", func() bool { return p.service.Stats().Calls >= int64(rows-1) })
	p.until("them in the journal", func() bool {
		b, err := os.ReadFile(p.file("out.csv.state/journal-000001"))
		return err == nil && len(b) > 100*(rows-3)
	})
	_ = c.Process.Kill()
	require.Equal(t, -1, p.end(c), stderr.String())
	p.stuck.Store(false)
	return p
}

// night starts the nightly command for a list.
func (p *interrupted) night(list string, more ...string) (*exec.Cmd, *bytes.Buffer) {
	return p.command(append([]string{
		"run", "-i", p.file(list), "-o", p.file("out.csv"), "--overwrite", "--ledger", p.file("customers.db"), "--rate", "0", "--max-inflight", strconv.Itoa(killInFlight),
	}, more...)...)
}

// export writes a list with all customers of the first night, and more, in
// another order.
func (p *interrupted) export(name string, more int) {
	var b strings.Builder
	b.WriteString("firstName,customerType,customerEmail,lastName\n")
	for i := p.rows + more; i > 0; i-- {
		fmt.Fprintf(&b, "First%d,Individual,c%d@example.com,Last\n", i, i)
	}
	require.NoError(p.t, os.WriteFile(p.file(name), []byte(b.String()), 0o600))
}

// requireResults checks the results of such a list, and that no customer was called
// twice but who was in flight when a start was killed.
func (p *interrupted) requireResults(more, kills int) {
	p.t.Helper()
	b, err := os.ReadFile(p.file("out.csv"))
	require.NoError(p.t, err)
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(p.t, err)
	require.Len(p.t, records, 1+p.rows+more)
	for row, r := range records[1:] {
		email := fmt.Sprintf("c%d@example.com", p.rows+more-row)
		require.Equal(p.t, []string{email, sandbox.SessionID("form", email)}, []string{r[2], r[5]})
		require.Contains(p.t, []string{"ok", "known"}, r[4])
	}
	assert.LessOrEqual(p.t, p.service.Stats().RepeatedCalls, int64(kills*killInFlight))
	left, err := filepath.Glob(p.file("out.csv.state/*"))
	require.NoError(p.t, err)
	assert.Empty(p.t, left)
}

func TestAnInterruptedNightIsTakenOverByTheNextListAndNoCustomerIsCalledTwice(t *testing.T) {
	p := newInterrupted(t, 40, sandbox.Options{})
	p.export("next.csv", 3)
	c, stderr := p.night("next.csv")
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.Regexp(t, `the list has changed since run \S+ was interrupted: the ledger has what that run did \(0 rows written, 3[789] done, waiting to be written, [12] calls? in flight`, stderr.String())
	p.requireResults(3, 1)
	assert.LessOrEqual(t, p.service.Stats().Calls, int64(40+3+killInFlight))
}

// TestATakeoverKilledAtSomePointsComesToTheSame kills the night that takes over at
// every fifth of its changes of the disk, and once more in its recovery.
func TestATakeoverKilledAtSomePointsComesToTheSame(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	n := 1
	for takeoverKilledAt(t, n) {
		n += 5
	}
	require.Greater(t, n, 30, "points of the disk")
}

func takeoverKilledAt(t *testing.T, n int) (killed bool) {
	p := newInterrupted(t, killRows, sandbox.Options{})
	p.export("next.csv", 2)
	kills := 1
	for _, at := range []int{n, 1 + n%9, 0} {
		p.env = append(p.env, killedAt(strconv.Itoa(at))...)
		c, stderr := p.night("next.csv")
		code := p.end(c)
		if code == 0 {
			break
		}
		require.Equal(t, -1, code, "%d: %s", n, stderr.String())
		kills++
	}
	p.requireResults(2, kills)
	return kills > 1
}

// killThroughATakeover kills the night that takes over at moments of its own.
func killThroughATakeover(t *testing.T, rows, most int) {
	p := newInterrupted(t, rows, sandbox.Options{Latency: time.Millisecond, LatencyJitter: 2 * time.Millisecond})
	r := rand.New(rand.NewPCG(2, uint64(time.Now().UnixNano())))
	for kills := 1; ; kills++ {
		p.export("next.csv", rows+kills) // each start has another list
		c, stderr := p.night("next.csv")
		if kills <= most {
			time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond) // a moment, of which every one must do
			_ = c.Process.Kill()
		}
		code := p.end(c)
		if code == 0 {
			p.requireResults(rows+kills, kills)
			t.Logf("%d kills, %d calls repeated", kills, p.service.Stats().RepeatedCalls)
			return
		}
		require.Equal(t, -1, code, stderr.String())
		p.until("no call of the killed run is under way", func() bool { return p.service.Stats().InFlight == 0 })
	}
}

func TestSomeKillsThroughATakeoverCallNoCustomerTwice(t *testing.T) { killThroughATakeover(t, 60, 5) }

func TestWhatCannotBeTakenOverIsRefusedAndLeftAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*interrupted)
		flags   []string
		code    int
		says    string
	}{
		"another app":      {flags: []string{"--app-id", "other"}, code: cli.ExitState, says: `app id was "app" and is "other"`},
		"another tenant":   {flags: []string{"--tenant-id", "other"}, code: cli.ExitState, says: `tenant id was "tenant" and is "other"`},
		"another form":     {flags: []string{"--form-id", "other"}, code: cli.ExitState, says: `form id was "form" and is "other"`},
		"another ledger":   {flags: []string{"--ledger", "other.db"}, code: cli.ExitState, says: "ledger was "},
		"a damaged state":  {prepare: func(p *interrupted) { p.flip("out.csv.state/checkpoint") }, code: cli.ExitState, says: "is damaged"},
		"a damaged answer": {prepare: func(p *interrupted) { p.flip("out.csv.state/journal-000001") }, code: cli.ExitState, says: "is damaged"},
		"an empty list": {prepare: func(p *interrupted) {
			require.NoError(p.t, os.WriteFile(p.file("next.csv"), []byte("customerType,customerEmail,firstName,lastName\n"), 0o600))
		}, code: cli.ExitBadList, says: "the list has no rows"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newInterrupted(t, killRows, sandbox.Options{})
			p.export("next.csv", 2)
			if c.prepare != nil {
				c.prepare(p)
			}
			for i, f := range c.flags {
				if strings.HasSuffix(f, ".db") {
					c.flags[i] = p.file(f)
				}
			}
			calls := p.service.Stats().Calls
			cmd, stderr := p.night("next.csv", c.flags...)
			assert.Equal(t, c.code, p.end(cmd), stderr.String())
			assert.Contains(t, stderr.String(), c.says)
			assert.Equal(t, calls, p.service.Stats().Calls)
			if c.prepare != nil && c.code == cli.ExitState {
				return // it cannot be resumed
			}
			cmd, stderr = p.night("list.csv")
			assert.Equal(t, 0, p.end(cmd), stderr.String())
			assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(killInFlight), "its own list resumes it")
			p.requireEachItsOwn(killRows)
		})
	}
}

// flip changes a byte in the middle of a file.
func (p *interrupted) flip(name string) {
	b, err := os.ReadFile(p.file(name))
	require.NoError(p.t, err)
	b[len(b)/2] ^= 1
	require.NoError(p.t, os.WriteFile(p.file(name), b, 0o600))
}

func TestAListThatHasGrownSinceIsTakenOverWhole(t *testing.T) {
	p := newInterrupted(t, killRows, sandbox.Options{})
	list, err := os.OpenFile(p.file("list.csv"), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = fmt.Fprintf(list, "Individual,c%d@example.com,First,Last\n", killRows+1)
	require.NoError(t, err)
	require.NoError(t, list.Close())
	c, stderr := p.night("list.csv")
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.Len(t, p.results(), killRows+1)
	assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(killInFlight))
}

func TestWithoutALedgerAnotherListIsRefused(t *testing.T) {
	p := newProgram(t, 40, sandbox.Options{Latency: 5 * time.Millisecond})
	c, _ := p.start("--rate", "0", "--max-inflight", "2")
	p.until("calls", func() bool { return p.service.Stats().Calls > 10 })
	_ = c.Process.Kill()
	p.end(c)
	require.NoError(t, os.WriteFile(p.file("list.csv"), []byte("customerType,customerEmail,firstName,lastName\nIndividual,other@example.com,Ann,Lee\n"), 0o600))
	c, stderr := p.start("--rate", "0")
	assert.Equal(t, cli.ExitState, p.end(c), stderr.String())
}

func TestAListByStandardInputTakesOverToo(t *testing.T) {
	p := newProgram(t, 40, sandbox.Options{Latency: 5 * time.Millisecond})
	run := func() (*exec.Cmd, *bytes.Buffer) {
		return p.command("run", "-i", "-", "-o", p.file("out.csv"), "--ledger", p.file("customers.db"), "--rate", "0", "--max-inflight", "2")
	}
	p.stdin = p.file("list.csv")
	c, _ := run()
	p.until("calls", func() bool { return p.service.Stats().Calls > 10 })
	_ = c.Process.Kill()
	require.Equal(t, -1, p.end(c))

	whole, err := os.ReadFile(p.file("list.csv"))
	require.NoError(t, err)
	next := strings.Replace(string(whole), "First1,", "First1,", 1) + "Individual,c41@example.com,First41,Last\n"
	require.NoError(t, os.WriteFile(p.file("next.csv"), []byte(next), 0o600))
	p.stdin = p.file("next.csv")
	calls := p.service.Stats().Calls
	c, _ = run()
	p.until("calls", func() bool { return p.service.Stats().Calls > calls+5 })
	_ = c.Process.Kill()
	require.Equal(t, -1, p.end(c))

	p.stdin = "" // the new list was kept
	c, stderr := run()
	require.Equal(t, 0, p.end(c), stderr.String())
	assert.Len(t, p.results(), 41)
	assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(4))
}

func TestAnOutputWithADateIsThatOfTheNight(t *testing.T) {
	p := newInterrupted(t, killRows, sandbox.Options{})
	today := time.Now().Format("2006-01-02")
	require.NoError(t, os.Rename(p.file("out.csv.state"), p.file("results-2020-02-29.csv.state"))) // a night of long ago
	night := func(list string) string {
		c, stderr := p.command("run", "-i", p.file(list), "-o", p.file("results-%Y-%m-%d.csv"), "--ledger", p.file("customers.db"), "--rate", "0", "--max-inflight", "2")
		require.Equal(t, 0, p.end(c), stderr.String())
		return stderr.String()
	}
	p.export("next.csv", 2)
	assert.Contains(t, night("next.csv"), "the list has changed since run")
	assert.FileExists(t, p.file("results-"+today+".csv"))
	assert.NoFileExists(t, p.file("results-2020-02-29.csv"))
	assert.NoDirExists(t, p.file("results-2020-02-29.csv.state"))

	p = newInterrupted(t, killRows, sandbox.Options{})
	require.NoError(t, os.Rename(p.file("out.csv.state"), p.file("results-2020-02-29.csv.state")))
	night("list.csv")
	assert.FileExists(t, p.file("results-2020-02-29.csv"), "the same list resumes the night that was interrupted")
	assert.NoFileExists(t, p.file("results-"+today+".csv"))
}

// TestACompleteNightIsPutInPlaceUnderItsOwnDate kills a night when it is complete
// and its results are not in their place yet.
func TestACompleteNightIsPutInPlaceUnderItsOwnDate(t *testing.T) {
	today := "results-" + time.Now().Format(time.DateOnly) + ".csv"
	for n := 1; ; n++ {
		p := newProgram(t, killRows, sandbox.Options{})
		night := func(list, kill string) int {
			p.env = append(p.env, killedAt(kill)...)
			c, _ := p.command("run", "-i", p.file(list), "-o", p.file("results-%Y-%m-%d.csv"), "--overwrite", "--ledger", p.file("customers.db"), "--rate", "0")
			return p.end(c)
		}
		if night("list.csv", fmt.Sprint(atTheEnd, n)) != -1 {
			t.Fatal("no point of the disk is between the last commit and the results")
		}
		left, err := state.Inspect(disk.OS{}, p.file(today+".state"))
		if err != nil || left.Checkpoint == nil || !left.Checkpoint.Complete {
			continue
		}
		require.NoError(t, os.Rename(p.file(today+".state"), p.file("results-2020-02-29.csv.state")))
		require.NoError(t, os.WriteFile(p.file("next.csv"), []byte("customerType,customerEmail,firstName,lastName\n"+strings.Repeat("Individual,new@example.com,Ann,Lee\n", killRows)), 0o600))
		require.Equal(t, 0, night("next.csv", "0"))
		before, err := os.ReadFile(p.file("results-2020-02-29.csv"))
		require.NoError(t, err)
		assert.Contains(t, string(before), "c1@example.com")
		after, err := os.ReadFile(p.file(today))
		require.NoError(t, err)
		assert.Contains(t, string(after), "new@example.com")
		return
	}
}
