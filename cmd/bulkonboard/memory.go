package main

import (
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// garbage is how many bytes the collector lets pile up before it runs. Its
	// default is as much as is in use: a run that holds next to nothing has it
	// run every few hundred rows (a tenth of all CPU), and one that holds a
	// large table takes twice its size. Four times this saves another fiftieth
	// of the CPU, and no longer fits a small room at 512 calls in flight.
	garbage = 8 << 20

	// leastInUse is what the collector takes for the least that can be in use.
	leastInUse = 4 << 20

	// leastPercent of what is in use may be garbage in any case, or a very
	// large run would do nothing but collect.
	leastPercent = 25
)

// fitCollector makes the garbage collector fit for a batch job. GOGC goes
// before garbage; GOMEMLIMIT before nine tenths of what a container may use.
func fitCollector() {
	_, _ = memlimit.Set() // without a container there is no limit
	if os.Getenv("GOGC") == "" {
		told := 0
		atEachCollection(func() {
			percent := percentOf(inUse())
			// Telling it stops the world, so a tenth more or less is let pass.
			if change := percent - told; 10*max(change, -change) > told {
				told = percent
				debug.SetGCPercent(percent)
			}
		})
	}
}

// percentOf is garbage in percent of the bytes in use, as GOGC has it.
func percentOf(inUse uint64) int {
	return max(leastPercent, int(100*garbage/max(inUse, leastInUse)))
}

// inUse is what the collector counts as in use: what it found at its last run,
// stacks and globals.
func inUse() (bytes uint64) {
	parts := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	runtimemetrics.Read(parts)
	for _, part := range parts {
		bytes += part.Value.Uint64()
	}
	return bytes
}

// atEachCollection calls f now and after every run of the collector, which
// finds an object that nobody uses, and is given it again.
func atEachCollection(f func()) {
	type unused struct{ _ [64]byte }
	var found func(*unused)
	found = func(u *unused) {
		f()
		runtime.SetFinalizer(u, found)
	}
	found(new(unused))
}
