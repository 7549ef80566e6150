//go:build bench && linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// `make bench-e2e` runs this; every setting is a variable:
//
//	BENCH_ROWS      rows of the list (200000)
//	BENCH_ROUNDS    how often everything is run, in turn (5)
//	BENCH_INFLIGHT  calls in flight, of both clients (64)
//	BENCH_FORMATS   csv,jsonl
//	BENCH_PROGRAM   the program; several, separated by ":", are run in turn
func benchSetting(name, otherwise string) string {
	if value := os.Getenv("BENCH_" + name); value != "" {
		return value
	}
	return otherwise
}

func benchNumber(t *testing.T, name string, otherwise int) int {
	n, err := strconv.Atoi(benchSetting(name, strconv.Itoa(otherwise)))
	require.NoError(t, err, "BENCH_"+name)
	return n
}

// cost is what one run of one client came to.
type cost struct {
	rate   float64 // rows/s, from the start of the process to its end
	cpu    float64 // microseconds of the client's CPU for one row
	rss    float64 // MiB at most
	first  float64 // milliseconds from the start to the first call
	slower float64 // the rate of the last tenth over that of the first
}

// bench is a server and what is run against it.
type bench struct {
	t              *testing.T
	rows, inFlight int
	folder, server string
	pin            bool
}

// TestEndToEnd runs a bare loop on net/http and the program over the same
// number of rows, in turn, and prints what each costs. Ratios of one round
// travel between machines; figures do not.
func TestEndToEnd(t *testing.T) {
	b := &bench{t: t, rows: benchNumber(t, "ROWS", 200_000), inFlight: benchNumber(t, "INFLIGHT", 64), folder: t.TempDir()}
	b.pin = canPin()
	formats := strings.Split(benchSetting("FORMATS", "csv,jsonl"), ",")
	for _, format := range formats {
		b.makeList(format)
	}
	b.startServer()
	where := "client and server share all cores"
	if b.pin {
		where = "client on core 0, server on core 1"
	}
	fmt.Printf("%d rows, %d in flight, %s\n\n", b.rows, b.inFlight, where)
	fmt.Printf("%-28s %10s %12s %10s %10s %12s %8s\n", "", "rows/s", "µs CPU/row", "peak MiB", "first, ms", "last/first", "of bare")
	all := map[string][]cost{}
	var names []string
	for range benchNumber(t, "ROUNDS", 5) {
		bare := b.bare()
		all["bare net/http"] = append(all["bare net/http"], bare)
		b.print("bare net/http", bare, bare)
		for _, program := range filepath.SplitList(benchSetting("PROGRAM", "../../build/bulkonboard")) {
			for _, format := range formats {
				name := filepath.Base(program) + " " + format
				m := b.program(program, format)
				b.print(name, m, bare)
				if all[name] = append(all[name], m); len(all[name]) == 1 {
					names = append(names, name)
				}
			}
		}
	}
	summarise(names, all)
}

func (b *bench) print(name string, m, bare cost) {
	fmt.Printf("%-28s %10.0f %12.2f %10.1f %10.0f %12.2f %8.2f\n", name, m.rate, m.cpu, m.rss, m.first, m.slower, m.rate/bare.rate)
}

// summarise prints medians, and between what the ratio to the bare loop of the
// same round lay.
func summarise(names []string, all map[string][]cost) {
	bare := all["bare net/http"]
	fmt.Printf("\n%-28s %10s %12s %10s   %s\n", "median", "rows/s", "µs CPU/row", "peak MiB", "rows/s of bare (least to most); CPU of bare")
	for _, name := range append([]string{"bare net/http"}, names...) {
		var rate, cpu, rss, ofRate, ofCPU []float64
		for i, m := range all[name] {
			rate, cpu, rss = append(rate, m.rate), append(cpu, m.cpu), append(rss, m.rss)
			ofRate, ofCPU = append(ofRate, m.rate/bare[i].rate), append(ofCPU, m.cpu/bare[i].cpu)
		}
		fmt.Printf("%-28s %10.0f %12.2f %10.1f   %.2f (%.2f to %.2f); %.2f\n", name, median(rate), median(cpu), median(rss),
			median(ofRate), slices.Min(ofRate), slices.Max(ofRate), median(ofCPU))
	}
}

func median(of []float64) float64 {
	s := slices.Sorted(slices.Values(of))
	return (s[len(s)/2] + s[(len(s)-1)/2]) / 2
}

// canPin reports whether there are two cores, and taskset to keep to one.
func canPin() bool {
	return exec.Command("taskset", "-c", "0", "true").Run() == nil && exec.Command("taskset", "-c", "1", "true").Run() == nil
}

// command is a command on one core, with one thread of Go at a time.
func (b *bench) command(core int, name string, args ...string) *exec.Cmd {
	if b.pin {
		name, args = "taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)
	}
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	return c
}

// self is this test binary in one of the roles of bench_roles_test.go.
func (b *bench) self(core int, role string) *exec.Cmd {
	executable, err := os.Executable()
	require.NoError(b.t, err)
	c := b.command(core, executable)
	c.Env = append(c.Env, roleVariable+"="+role, "BENCH_ROWS="+strconv.Itoa(b.rows), "BENCH_INFLIGHT="+strconv.Itoa(b.inFlight))
	return c
}

func (b *bench) startServer() {
	c := b.self(1, "server")
	out, err := c.StdoutPipe()
	require.NoError(b.t, err)
	c.Stderr = os.Stderr
	require.NoError(b.t, c.Start())
	b.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b.t, err)
	b.server = "http://" + strings.TrimSpace(address)
}

func (b *bench) bare() cost {
	c := b.self(0, "bare")
	c.Env = append(c.Env, "BENCH_URL="+b.server)
	return b.run(c)
}

func (b *bench) program(path, format string) cost {
	path, err := filepath.Abs(path)
	require.NoError(b.t, err)
	list, out := filepath.Join(b.folder, "list."+format), filepath.Join(b.folder, "results."+format)
	c := b.command(0, path, "run", "--input", list, "--output", out, "--overwrite", "--rate", "0",
		"--max-inflight", strconv.Itoa(b.inFlight), "--base-url", b.server, "--app-id", "app", "--tenant-id", "tenant", "--form-id", "form")
	c.Env = append(c.Env, "BULKONBOARD_APP_SECRET=secret")
	m := b.run(c)
	b.requireWhole(out, format)
	return m
}

// run runs a client to its end. The peak of memory that the kernel reports is
// never below that of this process, from which it was forked.
func (b *bench) run(c *exec.Cmd) cost {
	b.times() // begins the server's counting again
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	start := time.Now()
	err := c.Run()
	took := time.Since(start)
	require.NoError(b.t, err, said.String())
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	tenth := b.times()
	require.Len(b.t, tenth, 11, "the server saw another number of calls")
	rows := float64(b.rows)
	return cost{
		rate:   rows / took.Seconds(),
		cpu:    float64((c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Microseconds()) / rows,
		rss:    float64(usage.Maxrss) / 1024,
		first:  tenth[0].Sub(start).Seconds() * 1000,
		slower: tenth[1].Sub(tenth[0]).Seconds() / tenth[10].Sub(tenth[9]).Seconds(),
	}
}

// times asks the server when it saw its first call and the end of every tenth
// of the rows.
func (b *bench) times() []time.Time {
	answer, err := http.Get(b.server + timesPath)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	var times []time.Time
	require.NoError(b.t, json.NewDecoder(answer.Body).Decode(&times))
	return times
}

// requireWhole checks that a run was a run: a result for every row.
func (b *bench) requireWhole(path, format string) {
	f, err := os.Open(path)
	require.NoError(b.t, err)
	defer f.Close()
	lines, ok, status := 0, 0, []byte(",ok,")
	if format == "jsonl" {
		lines, status = 1, []byte(`"onboardingStatus":"ok"`)
	}
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		if bytes.Contains(s.Bytes(), status) {
			ok++
		}
	}
	require.Equal(b.t, [2]int{b.rows + 1, b.rows}, [2]int{lines, ok})
}

// makeList writes a list that looks like the lists of companies: one row in
// five is one, and a name in seven is not ASCII.
func (b *bench) makeList(format string) {
	f, err := os.Create(filepath.Join(b.folder, "list."+format))
	require.NoError(b.t, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	row := csvRow
	if format == "jsonl" {
		row = jsonlRow
	} else {
		_, _ = io.WriteString(w, "customerType,customerEmail,customerMobileNumber,firstName,lastName,fullName,registrationNumber,tradingName,branch,note\n")
	}
	first := []string{"John", "Mary", "José", "Wei", "Olivia", "Yusuf", "Ann"}
	for i := range b.rows {
		row(w, i, first[i%len(first)])
	}
	require.NoError(b.t, w.Flush())
}

func csvRow(w io.Writer, i int, first string) {
	if i%5 == 0 {
		fmt.Fprintf(w, "LegalEntity,office.%d@example.com,+971501234567,,,%s & Sons %d LLC,REG-%08d,\"Trading, %d\",Dubai,\n", i, first, i, i, i)
		return
	}
	fmt.Fprintf(w, "Individual,customer.%d@example.com,+971501234567,%s,Smith-%d,,,,Dubai,a note of some words\n", i, first, i)
}

func jsonlRow(w io.Writer, i int, first string) {
	if i%5 == 0 {
		fmt.Fprintf(w, `{"customerType":"LegalEntity","customerEmail":"office.%d@example.com","customerMobileNumber":"+971501234567","company":{"fullName":"%s & Sons %d LLC","registrationNumber":"REG-%08d","tradingName":"Trading, %d"},"branch":"Dubai"}`+"\n", i, first, i, i, i)
		return
	}
	fmt.Fprintf(w, `{"customerType":"Individual","customerEmail":"customer.%d@example.com","customerMobileNumber":"+971501234567","individual":{"firstName":"%s","lastName":"Smith-%d"},"branch":"Dubai","note":"a note of some words"}`+"\n", i, first, i)
}
