package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	goruntime "runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// How much memory a program takes before it collects garbage.

const (
	// room is how many bytes may be in use and garbage together before the
	// collector runs, as long as there is room. Its default is twice what is
	// in use: a run that holds next to nothing has it run every few hundred
	// rows, for a tenth of all CPU. A larger room saves little more.
	room = 16 << 20

	// leastGarbage and leastPercent of what is in use may be garbage in any
	// case, or a run that holds much would do nothing but collect: with 512 calls
	// in flight, which hold some 11 MiB, 5 MiB of garbage had a fifth of all CPU
	// go to the collector, and 7 MiB a seventh.
	leastGarbage = 7 << 20
	leastPercent = 25

	// leastInUse is what the collector takes for the least that can be in use.
	leastInUse = 4 << 20
)

// FitCollector makes the garbage collector fit for a batch job. GOGC goes
// before the room, GOMEMLIMIT before nine tenths of what a container may use.
func FitCollector() {
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

// percentOf is how much garbage there may be, in percent of the bytes in use,
// as GOGC has it.
func percentOf(inUse int) int {
	inUse = max(inUse, leastInUse)
	return max(leastPercent, 100*max(room-inUse, leastGarbage)/inUse)
}

// inUse is what the collector counts as in use: what it found at its last run,
// stacks and globals.
func inUse() (bytes int) {
	parts := []goruntime.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	goruntime.Read(parts)
	for _, part := range parts {
		bytes += int(part.Value.Uint64())
	}
	return bytes
}

// atEachCollection calls f now and after every run of the collector, which
// finds an object that is not in use, and is given it again.
func atEachCollection(f func()) {
	type unused struct{ _ [64]byte }
	var found func(*unused)
	found = func(u *unused) {
		f()
		runtime.SetFinalizer(u, found)
	}
	found(new(unused))
}
