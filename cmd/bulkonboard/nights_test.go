package main

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
)

// nightRows is the length of the list of the first night. `go test
// ./cmd/bulkonboard -run Night -nights.rows 100000` takes some minutes.
var nightRows = flag.Int("nights.rows", 2000, "rows of the lists that are taken through several nights")

// nights is a program that gets a list every night.
type nights struct {
	*program
	rows, added, changed int
}

// newNights makes the lists of two nights: the second is the first in another
// order, of rows and of columns, with some customers more and some changed.
func newNights(t *testing.T, o sandbox.Options, key []byte) *nights {
	n := &nights{program: newProgram(t, 0, o), rows: *nightRows, added: *nightRows / 100, changed: *nightRows / 1000}
	require.NoError(t, os.WriteFile(n.file("key"), key, 0o600))
	c, stderr := n.command("ledger", "create", "--ledger", n.file("customers.db"), "--ledger-key-file", n.file("key"))
	require.Equal(t, 0, n.end(c), stderr.String())
	var first, second bytes.Buffer
	first.WriteString("customerType,customerEmail,customerMobileNumber,firstName,lastName,note\n")
	second.WriteString("note,lastName,customerMobileNumber,customerType,customerEmail,firstName\n")
	for i := 1; i <= n.rows; i++ {
		fmt.Fprintf(&first, "Individual,c%d@example.com,+97150%07d,First%d,Last,night 1\n", i, i, i)
	}
	for i := n.rows + n.added; i >= 1; i-- {
		fmt.Fprintf(&second, "night 2,%s,+97150%07d,Individual,c%d@example.com,First%d\n", n.lastName(i), i, i, i)
	}
	require.NoError(t, os.WriteFile(n.file("1.csv"), first.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(n.file("2.csv"), second.Bytes(), 0o600))
	return n
}

func (n *nights) lastName(i int) string {
	if n.isChanged(i) {
		return "Married"
	}
	return "Last"
}

func (n *nights) isNew(i int) bool     { return i > n.rows }
func (n *nights) isChanged(i int) bool { return i <= n.rows && i%(n.rows/n.changed) == 1 }

// night takes a list through the service, killing it so often, and returns how
// many calls were in doubt and what the last start said.
func (n *nights) night(list, out string, inFlight, kills int, callsApart int64) (doubts int, said string) {
	doubt := regexp.MustCompile(`calls_in_doubt=(\d+)`)
	for killed := 0; ; {
		calls := n.service.Stats().Calls
		c, stderr := n.command("run", "-i", n.file(list), "-o", n.file(out), "--ledger", n.file("customers.db"), "--ledger-key-file", n.file("key"),
			"--rate", "0", "--max-inflight", strconv.Itoa(inFlight))
		if killed < kills {
			n.until("calls", func() bool { return n.service.Stats().Calls >= calls+callsApart })
			_ = c.Process.Kill()
		}
		code := n.end(c)
		if m := doubt.FindStringSubmatch(stderr.String()); m != nil {
			count, _ := strconv.Atoi(m[1])
			doubts += count
		}
		if code == 0 {
			require.Equal(n.t, kills, killed, "all before the list was done")
			return doubts, stderr.String()
		}
		require.Equal(n.t, -1, code, stderr.String())
		killed++
	}
}

// requireSecondNight checks the results of the second list: its own order, its
// own session ids, and who was called.
func (n *nights) requireSecondNight(out string, called string) {
	b, err := os.ReadFile(n.file(out))
	require.NoError(n.t, err)
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(n.t, err)
	require.Len(n.t, records, 1+n.rows+n.added)
	for row, r := range records[1:] {
		i := n.rows + n.added - row
		email, status := fmt.Sprintf("c%d@example.com", i), "known"
		if n.isNew(i) || n.isChanged(i) {
			status = called
		}
		require.Equal(n.t, []string{"night 2", n.lastName(i), email, status, sandbox.SessionID("form", email)}, []string{r[0], r[1], r[4], r[6], r[7]})
		require.Equal(n.t, status == "known", strings.HasPrefix(r[9], "obtained "))
	}
}

// ledger is what the ledger knows of each session id, but for times and runs, and
// for the keys, which are another service's customers'.
func (n *nights) ledger() map[string]string {
	c, stderr := n.command("ledger", "export", "--ledger", n.file("customers.db"), "--ledger-key-file", n.file("key"), "--output", n.file("export.csv"))
	require.Equal(n.t, 0, n.end(c), stderr.String())
	b, err := os.ReadFile(n.file("export.csv"))
	require.NoError(n.t, err)
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(n.t, err)
	known := map[string]string{}
	for _, r := range records[1:] {
		known[r[2]] = r[1] + " " + r[4]
	}
	return known
}

func TestNightAfterNightOnlyWhoIsNewOrChangedIsCalledWhateverKillsTheRuns(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	key := []byte(strings.Repeat("5a", 32) + "\n")
	calm := newNights(t, sandbox.Options{}, key)
	rows, calls2 := int64(calm.rows), int64(calm.added+calm.changed)
	calm.night("1.csv", "1.out.csv", 16, 0, 0)
	require.Equal(t, rows, calm.service.Stats().Calls)
	_, said := calm.night("2.csv", "2.out.csv", 16, 0, 0)
	require.Equal(t, rows+calls2, calm.service.Stats().Calls)
	assert.Regexp(t, fmt.Sprintf(`(?m)^  calls +%d$`, calls2), said)
	calm.requireSecondNight("2.out.csv", "ok")
	_, said = calm.night("2.csv", "3.out.csv", 16, 0, 0)
	require.Equal(t, rows+calls2, calm.service.Stats().Calls, "nothing new: no call at all")
	assert.Regexp(t, fmt.Sprintf(`(?m)^  known +%d$`, rows+int64(calm.added)), said)
	calm.requireSecondNight("3.out.csv", "known")

	killed := newNights(t, sandbox.Options{Latency: 2 * time.Millisecond, LatencyJitter: 8 * time.Millisecond}, key)
	const kills = 10
	inFlight := 2 + calm.rows/4000
	doubts1, _ := killed.night("1.csv", "1.out.csv", inFlight, kills, rows/kills-rows/100)
	stats1 := killed.service.Stats()
	assert.LessOrEqual(t, stats1.RepeatedCalls, int64(doubts1))
	doubts2, _ := killed.night("2.csv", "2.out.csv", inFlight, kills, calls2/kills-calls2/100)
	stats2 := killed.service.Stats()
	assert.LessOrEqual(t, stats2.Calls-stats1.Calls, calls2+int64(doubts2), "only who is new or changed, or was in flight")
	killed.requireSecondNight("2.out.csv", "ok")
	assert.Equal(t, calm.ledger(), killed.ledger())
	t.Logf("%d kills, %d calls in doubt, %d repeated", 2*kills, doubts1+doubts2, stats2.Calls-rows-calls2)
	killed.night("2.csv", "3.out.csv", inFlight, 0, 0)
	assert.Equal(t, stats2.Calls, killed.service.Stats().Calls)
	killed.requireNobodyIsNamed()
}

// requireNobodyIsNamed searches what the ledger leaves for the customers.
func (n *nights) requireNobodyIsNamed() {
	for _, name := range []string{"customers.db", "customers.db.holder"} {
		b, err := os.ReadFile(n.file(name))
		require.NoError(n.t, err)
		for _, word := range []string{"example.com", "First", "Last", "Married", "+97150"} {
			require.NotContains(n.t, string(b), word, name)
		}
	}
}

func TestTwoJobsOnOneLedgerAreOneAfterTheOther(t *testing.T) {
	p := newProgram(t, 40, sandbox.Options{Latency: 100 * time.Millisecond})
	job := func(out string, more ...string) []string {
		return append([]string{"run", "-i", p.file("list.csv"), "-o", p.file(out), "--ledger", p.file("customers.db"), "--rate", "0", "--max-inflight", "4"}, more...)
	}
	first, _ := p.command(job("out.csv")...)
	p.until("calls", func() bool { return p.service.Stats().Calls > 0 })
	refused, stderr := p.command(job("second.csv")...)
	assert.Equal(t, cli.ExitHeld, p.end(refused))
	assert.Contains(t, stderr.String(), fmt.Sprintf("customers.db is in use by process %d on ", first.Process.Pid))
	assert.Contains(t, stderr.String(), "run --output "+p.file("out.csv"))
	assert.Contains(t, stderr.String(), "--wait 10m")
	assert.NoFileExists(t, p.file("second.csv"))
	stats, stderr := p.command("ledger", "stats", "--ledger", p.file("customers.db"))
	assert.Equal(t, cli.ExitHeld, p.end(stats), stderr.String())

	waiting, stderr := p.command(job("third.csv", "--wait", "1m")...)
	assert.Equal(t, 0, p.end(waiting), stderr.String())
	assert.Equal(t, 0, p.end(first))
	assert.EqualValues(t, 40, p.service.Stats().Calls, "who waited found everybody known")
	p.requireEachItsOwn(40)
}

func TestALedgerWithoutRoomStopsTheRunWhichGoesOn(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	p := newProgram(t, 2000, sandbox.Options{})
	var before bytes.Buffer
	before.WriteString("customerType,customerEmail,firstName,lastName,onboardingStatus,sessionId,errorCode,errorMessage,attempts,processedAt\n")
	for i := range 6000 {
		fmt.Fprintf(&before, "Individual,other%d@example.com,First,Last,ok,s-%d,,,1,2026-01-31T02:00:00.000Z\n", i, i)
	}
	require.NoError(t, os.WriteFile(p.file("before.csv"), before.Bytes(), 0o600))
	require.NoError(t, sealResults(p.file("before.csv"), map[string]string{"tenantId": "tenant", "formId": "form"}))
	c, stderr := p.command("ledger", "import", p.file("before.csv"), "--ledger", p.file("customers.db"))
	require.Equal(t, 0, p.end(c), stderr.String())
	info, err := os.Stat(p.file("customers.db"))
	require.NoError(t, err)

	// Room for the results and the journal, but none for the ledger to grow.
	executable, err := os.Executable()
	require.NoError(t, err)
	shell := exec.Command("sh", "-c", fmt.Sprintf(`ulimit -f %d; trap '' XFSZ; exec "$0" run -i list.csv -o out.csv --ledger customers.db --rate 0`, info.Size()/512), executable)
	shell.Dir, shell.Env = p.folder, append(p.env, programVariable+"=1")
	out, _ := shell.CombinedOutput()
	assert.Equal(t, cli.ExitIO, shell.ProcessState.ExitCode(), string(out))
	assert.Contains(t, string(out), "write customers.db: ")
	assert.NoFileExists(t, p.file("out.csv"))

	c, stderr = p.start("--ledger", p.file("customers.db"), "--rate", "0")
	require.Equal(t, 0, p.end(c), stderr.String())
	p.requireEachItsOwn(2000)
	assert.Zero(t, p.service.Stats().RepeatedCalls)
}
