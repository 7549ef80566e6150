package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
)

const canarySecret = "canary-secret-0451"

// program is the real binary with a list, an output and a service.
type program struct {
	t       *testing.T
	folder  string
	service *sandbox.Service
	env     []string
	stdin   string // a file, or nothing
	after   func() // what else is to hold once a run is complete; may be nil
}

// newProgram makes a list and a service for it. The program sends as fast as it
// can unless a test says another --rate: who searches for the rate begins with a
// few rows a second.
func newProgram(t *testing.T, rows int, o sandbox.Options) *program {
	p := &program{t: t, folder: t.TempDir()}
	service, ln, err := listenSandbox(t.Context(), o, "127.0.0.1:0")
	require.NoError(t, err)
	p.service = service
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = service.Serve(ln) // until it is closed
	}()
	t.Cleanup(func() {
		_ = service.Close()
		<-served
	})
	p.env = append(os.Environ(), "GORACE="+hasty, "BULKONBOARD_BASE_URL=http://"+ln.Addr().String(), "BULKONBOARD_APP_ID=app", "BULKONBOARD_TENANT_ID=tenant",
		"BULKONBOARD_FORM_ID=form", "BULKONBOARD_APP_SECRET="+canarySecret, "BULKONBOARD_RATE=0")
	var list bytes.Buffer
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	for i := 1; i <= rows; i++ {
		fmt.Fprintf(&list, "Individual,c%d@example.com,First%d,Last\n", i, i)
	}
	require.NoError(t, os.WriteFile(p.file("list.csv"), list.Bytes(), 0o600))
	return p
}

// port is the port that the service listens at.
func (p *program) port() string {
	return regexp.MustCompile(`BULKONBOARD_BASE_URL=http://[^:]+:(\d+)`).FindStringSubmatch(strings.Join(p.env, "\n"))[1]
}

func (p *program) file(name string) string { return filepath.Join(p.folder, name) }

// start starts `run`. Its standard error is in the buffer once it has ended.
func (p *program) start(args ...string) (*exec.Cmd, *bytes.Buffer) {
	return p.command(append([]string{"run", "-i", p.file("list.csv"), "-o", p.file("out.csv")}, args...)...)
}

// command starts the program.
func (p *program) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	return p.commandTo(nil, args...)
}

// commandTo starts the program with a standard output.
func (p *program) commandTo(stdout io.Writer, args ...string) (*exec.Cmd, *bytes.Buffer) {
	executable, err := os.Executable()
	require.NoError(p.t, err)
	c := exec.Command(executable, args...)
	c.Env = append(slices.Clip(p.env), programVariable+"=1") // several may start at once
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = stdout, &stderr
	if p.stdin != "" {
		list, err := os.Open(p.stdin)
		require.NoError(p.t, err)
		defer list.Close()
		c.Stdin = list
	}
	require.NoError(p.t, c.Start())
	return c, &stderr
}

// shell is a script, in the program's folder, whose $0 is the program.
func (p *program) shell(script string) *exec.Cmd {
	executable, err := os.Executable()
	require.NoError(p.t, err)
	c := exec.Command("sh", "-c", script, executable)
	c.Dir, c.Env = p.folder, append(slices.Clip(p.env), programVariable+"=1")
	return c
}

// end waits for a process and returns its exit code, -1 when it was killed.
func (p *program) end(c *exec.Cmd) int {
	err := c.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(p.t, err)
	}
	return c.ProcessState.ExitCode()
}

// requireEachItsOwn checks that every row came out once, in order, with the
// session of its own customer.
func (p *program) requireEachItsOwn(rows int) {
	records := p.results()
	require.Len(p.t, records, rows)
	for i, r := range records {
		email := fmt.Sprintf("c%d@example.com", i+1)
		require.Equal(p.t, []string{email, "ok", sandbox.SessionID("form", email)}, []string{r[1], r[4], r[5]})
	}
}

// results are the rows of the results file.
func (p *program) results() [][]string {
	b, err := os.ReadFile(p.file("out.csv"))
	require.NoError(p.t, err)
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(p.t, err)
	return records[1:]
}

// summary reads the summary, whole and unchanged.
func (p *program) summary() *sink.Summary {
	b, err := os.ReadFile(p.file("out.csv.summary.json"))
	require.NoError(p.t, err)
	s, err := sink.DecodeSummary(b)
	require.NoError(p.t, err)
	require.Empty(p.t, s.Check())
	return s
}

// requireItsSummary checks that the summary is of the results beside it.
func (p *program) requireItsSummary(rows int) *sink.Summary {
	s := p.summary()
	require.True(p.t, s.Complete)
	require.Equal(p.t, int64(rows), s.Rows)
	for _, f := range []*sink.File{s.Output, s.Rejects} {
		if f != nil {
			b, err := os.ReadFile(f.Name)
			require.NoError(p.t, err)
			require.Equal(p.t, fmt.Sprintf("%x", sha256.Sum256(b)), f.SHA256, f.Name)
		}
	}
	return s
}

// until waits for something to be so, without a clock of its own.
func (p *program) until(what string, so func() bool) {
	require.Eventually(p.t, so, 20*time.Second, time.Millisecond, what)
}

func TestKilledAtRandomItLosesNothingAndRepeatsOnlyWhatWasInFlight(t *testing.T) {
	killAtRandom(t, 3000, 16, 10)
}

// killAtRandom kills a run at moments spread over its calls, and checks what
// the service saw.
func killAtRandom(t *testing.T, rows, inFlight, most int) {
	p := newProgram(t, rows, sandbox.Options{Latency: 2 * time.Millisecond, LatencyJitter: 4 * time.Millisecond})
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	kills, doubts := 0, 0
	doubt := regexp.MustCompile(`calls_in_doubt=(\d+)`)
	for {
		c, stderr := p.start("--rate", "0", "--max-inflight", strconv.Itoa(inFlight), "--rejects", p.file("rejects.csv"))
		enough := p.service.Stats().Calls + 1 + r.Int64N(int64(rows/most)) // a start that has called is on record
		if kills < most {
			p.until("calls", func() bool { return p.service.Stats().Calls >= min(enough, int64(rows-100)) })
			_ = c.Process.Kill()
			kills++
		}
		code := p.end(c)
		if m := doubt.FindStringSubmatch(stderr.String()); m != nil {
			n, _ := strconv.Atoi(m[1])
			doubts += n
		}
		if code == 0 {
			assert.Contains(t, stderr.String(), fmt.Sprintf("%d calls in flight at an interruption", doubts))
			break
		}
		require.Equal(t, -1, code, stderr.String())
		p.until("no call of the killed run is under way", func() bool { return p.service.Stats().InFlight == 0 })
	}
	p.requireEachItsOwn(rows)
	s := p.requireItsSummary(rows)
	assert.Equal(t, int64(doubts), s.InDoubt)
	assert.Equal(t, kills, s.Resumed)
	stats := p.service.Stats()
	assert.LessOrEqual(t, stats.RepeatedCalls, int64(doubts))
	assert.LessOrEqual(t, doubts, kills*inFlight)
	assert.Equal(t, most, kills, "all before the list was done")
	t.Logf("%d kills, %d calls in doubt, %d of them had reached the service", kills, doubts, stats.RepeatedCalls)
}

func TestKilledAtRandomTheSameRowsAreDuplicatesOfTheSameRows(t *testing.T) {
	const customers, repeats, inFlight, most = 1000, 500, 8, 6
	list := duplicated(customers, repeats)
	told := func(p *program) [][]string {
		var told [][]string
		for _, r := range p.results() {
			told = append(told, []string{r[1], r[4], r[5], r[7]}) // e-mail, status, session id, message
		}
		return told
	}
	options := sandbox.Options{Latency: 2 * time.Millisecond, LatencyJitter: 4 * time.Millisecond}
	whole := newProgram(t, 0, options)
	require.NoError(t, os.WriteFile(whole.file("list.csv"), list, 0o600))
	c, stderr := whole.start("--rate", "0", "--max-inflight", strconv.Itoa(inFlight))
	require.Equal(t, cli.ExitBadRows, whole.end(c), stderr)
	want := told(whole)

	p := newProgram(t, 0, options)
	require.NoError(t, os.WriteFile(p.file("list.csv"), list, 0o600))
	for kills := 0; ; kills++ {
		c, stderr := p.start("--rate", "0", "--max-inflight", strconv.Itoa(inFlight))
		if kills < most {
			p.until("calls", func() bool { return p.service.Stats().Calls >= int64((kills+1)*customers/(most+1)) })
			_ = c.Process.Kill()
		}
		code := p.end(c)
		if code != -1 {
			require.Equal(t, cli.ExitBadRows, code, stderr.String())
			break
		}
	}
	assert.Equal(t, want, told(p))
	assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(most*inFlight))
	assert.Equal(t, whole.service.Stats().Customers, p.service.Stats().Customers)
	duplicates := 0
	for _, row := range want {
		if row[1] == "duplicate" {
			duplicates++
		}
	}
	assert.Greater(t, duplicates, repeats*8/10)
}

// duplicated is a list of customers of whom some come again, up to several
// times and written otherwise; some are refused, and their later rows too.
func duplicated(customers, repeats int) []byte {
	r := rand.New(rand.NewPCG(5, 5))
	rows := make([]int, 0, customers+repeats)
	for i := range customers {
		rows = append(rows, i)
	}
	for range repeats {
		rows = append(rows, r.IntN(customers/2))
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	var list bytes.Buffer
	list.WriteString("customerType,customerEmail,firstName,lastName\n")
	for n, i := range rows {
		name, domain := []string{"c", "C"}[n%2], "example.com"
		if i%20 == 0 {
			domain = "refused.example"
		}
		fmt.Fprintf(&list, "Individual,%s%d@%s,First%d,Last\n", name, i, domain, i)
	}
	return list.Bytes()
}

func TestAListFromStandardInputGoesOnWithOrWithoutItBeingGivenAgain(t *testing.T) {
	const rows = 400
	for name, again := range map[string]bool{"given again": true, "nothing given": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			p := newProgram(t, rows, sandbox.Options{Latency: 20 * time.Millisecond})
			args := []string{"run", "-i", "-", "-o", p.file("out.csv"), "--rate", "0", "--max-inflight", "4"}
			stops := []os.Signal{os.Kill, os.Interrupt, nil}
			for i, stop := range stops {
				p.stdin = p.file("list.csv")
				if i > 0 && !again {
					p.stdin = ""
				}
				c, stderr := p.command(args...)
				if stop != nil {
					p.until("calls", func() bool { return p.service.Stats().Calls > int64(100*(i+1)) })
					require.NoError(t, c.Process.Signal(stop))
				}
				require.Equal(t, []int{-1, cli.ExitInterrupted, 0}[i], p.end(c), stderr.String())
			}
			p.requireEachItsOwn(rows)
			assert.LessOrEqual(t, p.service.Stats().RepeatedCalls, int64(4))
			assert.NoDirExists(t, p.file("out.csv.state"))
		})
	}
}

func TestOneInterruptDrainsAndTwoStopAtOnce(t *testing.T) {
	for _, stop := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(stop) {
			continue // these tests run under nohup, and so would the program
		}
		p := newProgram(t, 500, sandbox.Options{Latency: 300 * time.Millisecond})
		c, stderr := p.start("--rate", "0", "--max-inflight", "8")
		p.until("calls in flight", func() bool { return p.service.Stats().InFlight == 8 })
		require.NoError(t, c.Process.Signal(stop))
		assert.Equal(t, cli.ExitInterrupted, p.end(c))
		assert.Contains(t, stderr.String(), "stopping:")
		assert.Contains(t, stderr.String(), "INCOMPLETE: 8 rows")
		assert.Contains(t, stderr.String(), "resume:  ")
		assert.NoFileExists(t, p.file("out.csv"))
	}

	hung := newProgram(t, 10, sandbox.Options{Latency: time.Minute})
	c, stderr := hung.start("--rate", "0")
	hung.until("calls in flight", func() bool { return hung.service.Stats().InFlight == 10 })
	require.NoError(t, c.Process.Signal(syscall.SIGQUIT))
	assert.Equal(t, cli.ExitInterrupted, hung.end(c))
	assert.Contains(t, stderr.String(), "stopping at once")
	hung.until("no call under way", func() bool { return hung.service.Stats().InFlight == 0 })

	c, stderr = hung.start("--rate", "0")
	hung.until("calls in flight", func() bool { return hung.service.Stats().InFlight == 10 })
	start := time.Now()
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	require.NoError(t, c.Process.Signal(os.Interrupt))
	hung.until("a second signal", func() bool {
		_ = c.Process.Signal(os.Interrupt)
		return hung.service.Stats().InFlight == 0
	})
	assert.Equal(t, cli.ExitInterrupted, hung.end(c))
	assert.Contains(t, stderr.String(), "resuming", "what SIGQUIT left")
	assert.Less(t, time.Since(start), 20*time.Second, "well before the grace of 30 s")
}

func TestARunGoesOnWhenWhatItSaysIsNotRead(t *testing.T) {
	p := newProgram(t, 20, sandbox.Options{})
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	executable, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(executable, "run", "-i", p.file("list.csv"), "-o", p.file("out.csv"), "--rate", "0")
	c.Env, c.Stderr = append(p.env, programVariable+"=1"), writer
	require.NoError(t, c.Start())
	require.NoError(t, writer.Close())
	assert.Equal(t, cli.ExitOK, p.end(c), c.ProcessState)
	p.requireEachItsOwn(20)
}

func TestTwoStartsAtOnceAreOneRunAndOneRefusal(t *testing.T) {
	p := newProgram(t, 50, sandbox.Options{Latency: 100 * time.Millisecond})
	first, _ := p.start("--max-inflight", "8", "--rate", "0")
	p.until("calls", func() bool { return p.service.Stats().Calls > 0 })
	second, stderr := p.start("--max-inflight", "8", "--rate", "0")
	assert.Equal(t, cli.ExitHeld, p.end(second))
	assert.Contains(t, stderr.String(), fmt.Sprintf("process %d", first.Process.Pid))
	assert.Equal(t, 0, p.end(first))
	p.requireEachItsOwn(50)
}

func TestNoTwoRunsWriteOneFile(t *testing.T) {
	p := newProgram(t, 8, sandbox.Options{Latency: 300 * time.Millisecond})
	require.NoError(t, os.Symlink("out.csv", p.file("link.csv")))
	first, stderr := p.start("--rate", "0", "--max-inflight", "1", "--rejects", p.file("rejects.csv"))
	p.until("a call in flight", func() bool { return p.service.Stats().InFlight > 0 })
	for _, args := range [][]string{
		{"-o", p.file("other.csv"), "--rejects", p.file("rejects.csv")},
		{"-o", p.file("rejects.csv")},
		{"-o", p.file("other.csv"), "--rejects", p.file("out.csv")},
		{"-o", p.file("link.csv"), "--overwrite"},
	} {
		c, said := p.command(append([]string{"run", "-i", p.file("list.csv")}, args...)...)
		assert.Equal(t, cli.ExitHeld, p.end(c), said.String())
	}
	require.Equal(t, 0, p.end(first), stderr.String())
	left, err := filepath.Glob(p.file("*.state"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestTheSecretIsInNoFileThatARunLeaves(t *testing.T) {
	p := newProgram(t, 200, sandbox.Options{Latency: 50 * time.Millisecond})
	c, stderr := p.start("--rate", "0", "--max-inflight", "8")
	p.until("answers", func() bool { return p.service.Stats().OK > 50 })
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.Process.Pid))
	if err == nil { // only Linux shows them
		assert.NotContains(t, string(arguments), canarySecret)
	}
	_ = c.Process.Kill()
	p.end(c)
	assert.NotContains(t, stderr.String(), canarySecret)
	files := 0
	require.NoError(t, filepath.WalkDir(p.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		assert.NotContains(t, string(b), canarySecret, path)
		info, _ := d.Info()
		assert.Zero(t, info.Mode().Perm()&0o077, path)
		return err
	}))
	assert.Greater(t, files, 3)
}

func TestAFullDiskStopsTheRunWithTheFilesName(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	p := newProgram(t, 2000, sandbox.Options{})
	shell := p.shell(`ulimit -f 24; trap '' XFSZ; exec "$0" run -i list.csv -o out.csv --rate 0`)
	out, _ := shell.CombinedOutput()
	assert.Equal(t, cli.ExitIO, shell.ProcessState.ExitCode(), string(out))
	assert.Contains(t, string(out), "out.csv.state/")
	assert.NoFileExists(t, p.file("out.csv"))

	c, stderr := p.start("--rate", "0")
	require.Equal(t, 0, p.end(c), stderr.String())
	p.requireEachItsOwn(2000)
}

// everyFile is all that stands in the program's folder, by path.
func (p *program) everyFile() map[string]string {
	all := map[string]string{}
	require.NoError(p.t, filepath.WalkDir(p.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	return all
}
