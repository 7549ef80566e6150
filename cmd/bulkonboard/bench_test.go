//go:build bench && linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
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
//	BENCH_CASES     protocol/in flight/latency of the service, of each case
//	BENCH_FORMATS   csv,jsonl
//	BENCH_PROGRAM   the program; several, separated by ":", are run in turn
//
// A protocol is http, tls (HTTP/1.1 over TLS) or h2 (HTTP/2 over TLS).
const defaultCases = "http/64/0s,http/512/0s,http/512/40ms,tls/64/0s,tls/512/40ms,h2/64/0s,h2/512/40ms"

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
	cpu    float64 // microseconds of the client's CPU for one row
	rate   float64 // rows/s, from the start of the process to its end
	rss    float64 // MiB at most
	first  float64 // milliseconds from the start to the first call
	slower float64 // the rate of the last tenth over that of the first
	conns  int     // connections that the service saw
}

// bench is a service and what is run against it.
type bench struct {
	t        *testing.T
	rows     int
	folder   string
	pin      bool
	fasthttp string // its loop, built

	protocol, latency string
	inFlight          int
	service, control  string // URLs
}

// TestEndToEnd runs loops on net/http and fasthttp, which do nothing but post and
// decode, and the program over the same number of rows, in turn, and prints what
// each costs. Ratios of one round travel between machines; figures do not. CPU is
// steadier than rows/s.
func TestEndToEnd(t *testing.T) {
	b := &bench{t: t, rows: benchNumber(t, "ROWS", 200_000), folder: t.TempDir(), pin: canPin()}
	formats := strings.Split(benchSetting("FORMATS", "csv,jsonl"), ",")
	for _, format := range formats {
		b.makeList(format)
	}
	makeAuthority(t, b.authority(), b.identity())
	b.buildFasthttp()
	where := "client and service share all cores"
	if b.pin {
		where = "client on core 0, service on core 1"
	}
	for _, name := range strings.Split(benchSetting("CASES", defaultCases), ",") {
		t.Run(name, func(t *testing.T) {
			of := *b
			of.t = t
			of.begin(name)
			fmt.Printf("\n%s: %d rows, %d in flight, %s, %s\n\n", of.protocol, of.rows, of.inFlight, of.latency, where)
			of.rounds(formats)
		})
	}
}

// begin takes a case up and starts its service.
func (b *bench) begin(name string) {
	parts := strings.Split(name, "/")
	require.Len(b.t, parts, 3, name)
	var err error
	b.protocol, b.latency = parts[0], parts[2]
	b.inFlight, err = strconv.Atoi(parts[1])
	require.NoError(b.t, err)
	b.startService()
}

func (b *bench) rounds(formats []string) {
	fmt.Printf("%-28s %12s %8s %10s %10s %10s %12s %6s\n", "", "µs CPU/row", "of bare", "rows/s", "peak MiB", "first, ms", "last/first", "conns")
	all := map[string][]cost{}
	var names []string
	add := func(name string, m cost) {
		if all[name] = append(all[name], m); len(all[name]) == 1 {
			names = append(names, name)
		}
		fmt.Printf("%-28s %12.2f %8.2f %10.0f %10.1f %10.0f %12.2f %6d\n", name, m.cpu, m.cpu/last(all[bareName]).cpu, m.rate, m.rss, m.first, m.slower, m.conns)
	}
	for range benchNumber(b.t, "ROUNDS", 5) {
		add(bareName, b.loop(b.self(0, "bare")))
		if b.protocol != "h2" { // which it does not speak
			add("fasthttp", b.loop(b.command(0, b.fasthttp)))
		}
		for _, program := range filepath.SplitList(benchSetting("PROGRAM", "../../build/bulkonboard")) {
			for _, format := range formats {
				add(filepath.Base(program)+" "+format, b.program(program, format))
			}
		}
	}
	summarise(names, all)
}

const bareName = "bare net/http"

func last(of []cost) cost { return of[len(of)-1] }

// summarise prints medians, and between what the ratio to the bare loop of the
// same round lay.
func summarise(names []string, all map[string][]cost) {
	bare := all[bareName]
	fmt.Printf("\n%-28s %12s %10s %10s   %s\n", "median", "µs CPU/row", "rows/s", "peak MiB", "CPU of bare (least to most); rows/s of bare")
	for _, name := range names {
		var rate, cpu, rss, ofRate, ofCPU []float64
		for i, m := range all[name] {
			rate, cpu, rss = append(rate, m.rate), append(cpu, m.cpu), append(rss, m.rss)
			ofRate, ofCPU = append(ofRate, m.rate/bare[i].rate), append(ofCPU, m.cpu/bare[i].cpu)
		}
		fmt.Printf("%-28s %12.2f %10.0f %10.1f   %.2f (%.2f to %.2f); %.2f\n", name, median(cpu), median(rate), median(rss),
			median(ofCPU), slices.Min(ofCPU), slices.Max(ofCPU), median(ofRate))
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
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "BENCH_ROWS="+strconv.Itoa(b.rows), "BENCH_INFLIGHT="+strconv.Itoa(b.inFlight),
		"BENCH_PROTOCOL="+b.protocol, "BENCH_LATENCY="+b.latency, "BENCH_AUTHORITY="+b.authority(), "BENCH_IDENTITY="+b.identity())
	return c
}

func (b *bench) authority() string { return filepath.Join(b.folder, "authority.pem") }
func (b *bench) identity() string  { return filepath.Join(b.folder, "service.pem") }

// self is this test binary in one of the roles of bench_roles_test.go.
func (b *bench) self(core int, role string) *exec.Cmd {
	executable, err := os.Executable()
	require.NoError(b.t, err)
	c := b.command(core, executable)
	c.Env = append(c.Env, roleVariable+"="+role)
	return c
}

// buildFasthttp builds the loop on fasthttp, which has a go.mod of its own: the
// program does not link it.
func (b *bench) buildFasthttp() {
	b.fasthttp = filepath.Join(b.folder, "fasthttp")
	out, err := exec.Command("go", "-C", "../../testdata/fasthttp", "build", "-o", b.fasthttp, ".").CombinedOutput()
	require.NoError(b.t, err, string(out))
}

func (b *bench) startService() {
	c := b.self(1, "service")
	out, err := c.StdoutPipe()
	require.NoError(b.t, err)
	c.Stderr = os.Stderr
	require.NoError(b.t, c.Start())
	b.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	_, err = fmt.Fscanln(bufio.NewReader(out), &b.service, &b.control)
	require.NoError(b.t, err)
}

func (b *bench) loop(c *exec.Cmd) cost {
	c.Env = append(c.Env, "BENCH_URL="+b.service)
	return b.run(c)
}

func (b *bench) program(path, format string) cost {
	path, err := filepath.Abs(path)
	require.NoError(b.t, err)
	list, out := filepath.Join(b.folder, "list."+format), filepath.Join(b.t.TempDir(), "results."+format)
	args := []string{"run", "--input", list, "--output", out, "--rate", "0",
		"--max-inflight", strconv.Itoa(b.inFlight), "--base-url", b.service, "--app-id", "app", "--tenant-id", "tenant", "--form-id", "form"}
	if b.protocol != "http" {
		args = append(args, "--ca-file", b.authority())
	}
	c := b.command(0, path, args...)
	c.Env = append(c.Env, "BULKONBOARD_APP_SECRET=secret")
	m := b.run(c)
	b.requireWhole(out, format)
	return m
}

// run runs a client to its end. The peak of memory that the kernel reports is
// never below that of this process, from which it was forked.
func (b *bench) run(c *exec.Cmd) cost {
	b.seen() // starts the service's counts again
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	start := time.Now()
	err := c.Run()
	took := time.Since(start)
	require.NoError(b.t, err, said.String())
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	seen := b.seen()
	require.Len(b.t, seen.Times, 11, "the service saw another number of calls")
	rows := float64(b.rows)
	return cost{
		cpu:    float64((c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Microseconds()) / rows,
		rate:   rows / took.Seconds(),
		rss:    float64(usage.Maxrss) / 1024,
		first:  seen.Times[0].Sub(start).Seconds() * 1000,
		slower: seen.Times[1].Sub(seen.Times[0]).Seconds() / seen.Times[10].Sub(seen.Times[9]).Seconds(),
		conns:  seen.Connections,
	}
}

// seen asks the service what it saw since the last time.
func (b *bench) seen() (s seen) {
	answer, err := http.Get(b.control)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	require.NoError(b.t, json.NewDecoder(answer.Body).Decode(&s))
	return s
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
