// Package blame decides which row a failed attempt counts against, and which was the
// service's doing: a row is at fault when another one succeeds meanwhile, and once
// chance alone would hardly fail it as often. It also finds out that a service refuses
// some rows always, by how their attempts fare once they have waited. It keeps no clock and
// takes no lock: the one goroutine that dispatches uses it.
package blame

import (
	"math"
	"slices"
	"time"
)

// mostTries is how many times the attempts of a row chance can excuse.
const mostTries = 8

// inFull is what a failure weighs against chance, in nats, where chance fails no
// more than a tenth of all calls: each attempt that a row may use asks for that
// much before the row is given up.
const inFull = math.Ln10

// isFound is how much evidence, in nats, finds that rows are refused always. Where calls
// are refused for other reasons, one run in some hundred finds it wrongly.
const isFound = 4 * inFull

// A refusal is evidence of that if it is the row's third, or of an attempt that was sent so
// long after its first. A row waits before its third attempt, and where calls are refused
// for their number, fewer are sent later: both fare as first attempts do.
const (
	thirdRefusal = 3
	apart        = 5 * time.Second
)

// Row is what the failed attempts of one row amount to. It belongs to the row;
// Failures write to it.
type Row struct {
	answered int // attempts that came back; only the first two are looked at
	failed   int // attempts that failed
	counted  int // of these, while other rows succeeded
	evidence float64
	open     bool      // it has failed, and no other row has succeeded since
	atFault  bool      // its last failure counts against it
	refused  time.Time // for the first time; zero: it was not
	refusals int       // attempts that were refused
}

// Charged makes the blame of a row that an earlier start has counted.
func Charged(attempts int) Row {
	return Row{answered: min(attempts, 2), failed: attempts, counted: attempts, evidence: inFull * float64(attempts)}
}

// Seen makes the blame of a row that failed in an earlier run.
func Seen() Row { return Row{answered: 2, failed: 1} }

// Charged is how many attempts count against the row, whatever the service does
// at random: what chance excuses is not carried over to another start.
func (b *Row) Charged() int {
	if b.counted == 0 {
		return 0
	}
	return min(b.counted, max(1, int(math.Ceil(b.evidence/inFull-1e-6))))
}

// Count counts an answer against a row that may be its own doing.
func (b *Row) Count() {
	b.failed, b.counted = b.failed+1, b.counted+1
	b.evidence += inFull
}

// Fail takes in an attempt that failed, whatever it counts.
func (b *Row) Fail() { b.failed, b.atFault = b.failed+1, false }

// AtFault reports that the row's last failure counts against it, and not against the
// service.
func (b *Row) AtFault() bool { return b.atFault }

// Tried reports that an attempt for the row has failed.
func (b *Row) Tried() bool { return b.failed > 0 }

// Open reports that the row has failed, and that it is not known yet whether it is at
// fault or the service.
func (b *Row) Open() bool { return b.open }

// waited reports that an attempt was sent long after the row's first refusal.
func (b *Row) waited(sent time.Time) bool {
	return !b.refused.IsZero() && sent.Sub(b.refused) >= apart
}

// Used reports whether the row has used up a number of attempts. Where the
// service fails many calls at random, that takes more failures than the number.
func (b *Row) Used(attempts int) bool {
	return b.counted >= attempts && b.evidence >= inFull*float64(attempts)-1e-6 || b.counted >= mostTries*attempts
}

// Suspect reports a row whose failing again says nothing of the service.
func (b *Row) Suspect() bool { return b.counted >= 2 }

// LeastInARow is how many rows that were never tried must fail one after another,
// where a share of them fails anyhow, for chance to bring that about hardly ever.
func LeastInARow(share float64) int {
	return int(math.Ceil(-mostTries * inFull / math.Log(min(share, 0.9))))
}

// Failures decides which failures count against their rows.
type Failures struct {
	open []failure

	// Shares of calls, smoothed: first attempts that failed, those of them that
	// were not refused, first attempts at all (1, but less at the beginning), and
	// second attempts that succeeded.
	first, faults, seen, second float64

	always    float64 // evidence that rows are refused always, in nats
	succeeded bool    // a row has, since the last of it
}

// failure is one of which it is not known yet whether its row is at fault, or the
// service.
type failure struct {
	row  *Row
	sent time.Time
}

// New returns no failures.
func New() Failures { return Failures{second: 1} }

// Add takes in a failure of an attempt, whose row or the service is at fault. Those
// of a row between which no other row succeeds may have one reason, and are one failure.
func (f *Failures) Add(b *Row, sent time.Time) {
	if !b.open {
		b.open = true
		f.open = append(f.open, failure{b, sent})
	}
}

// Failed takes in a failure for what chance is said to fail, so those of an outage
// are left out; refused says that the service asked for fewer calls.
func (f *Failures) Failed(b *Row, refused bool) {
	switch b.answered++; b.answered {
	case 1:
		f.seen += (1 - f.seen) / 64
		f.first += (1 - f.first) / 64
		if !refused {
			f.faults += (1 - f.faults) / 64
		}
	case 2:
		f.second -= f.second / 32
	}
}

// RefusedAlways takes in that the service refused an attempt for the row now, as it asks
// for fewer calls. It returns the share of rows that are refused always when it is
// found that there are such rows, and else 0.
func (f *Failures) RefusedAlways(b *Row, sent, now time.Time) (share float64) {
	if b.refused.IsZero() {
		b.refused = now
	}
	b.refusals++
	if !b.waited(sent) && b.refusals < thirdRefusal || !f.succeeded { // those one after another may have one reason
		return 0
	}
	f.succeeded = false
	share = (f.first - f.faults) / max(f.seen, 1./64)
	if f.always += weight(share); f.always < isFound {
		return 0
	}
	f.always = 0
	return share
}

// Answered takes in that the service did well by a row. Those that failed
// meanwhile failed for themselves: their calls were sent no later.
func (f *Failures) Answered(b *Row, sent time.Time) {
	f.succeeded = true
	switch b.answered++; b.answered {
	case 1:
		f.seen += (1 - f.seen) / 64
		f.first -= f.first / 64
		f.faults -= f.faults / 64
	case 2:
		f.second += (1 - f.second) / 32
	}
	if b.waited(sent) || b.refusals >= thirdRefusal-1 { // one that is refused always hardly ever would
		f.always = max(0, f.always-3*inFull/2)
	}
	f.countBefore(b, sent)
}

// ServiceWell takes in that the service did well when it was asked about itself.
func (f *Failures) ServiceWell(asked time.Time) { f.countBefore(nil, asked) }

// countBefore counts the failures of attempts that were sent no later against their
// rows, which b is none of.
func (f *Failures) countBefore(b *Row, sent time.Time) {
	left := f.open[:0]
	for _, c := range f.open {
		if c.row == b || c.sent.After(sent) {
			left = append(left, c)
		} else {
			f.count(c.row, f.chance())
		}
	}
	clear(f.open[len(left):])
	f.open = left
}

// Count counts the open failure of a row against it, where nothing else can tell.
func (f *Failures) Count(b *Row) {
	if !b.open {
		return
	}
	i := slices.IndexFunc(f.open, func(c failure) bool { return c.row == b })
	f.open = slices.Delete(f.open, i, i+1)
	f.count(b, 0)
}

// Faults is the share of first attempts that fail and are not refused.
func (f *Failures) Faults() float64 { return f.faults }

// chance is the share of calls that fail though neither their row nor an outage
// is to blame. Rows that always fail must not count: they never succeed on their
// second attempt. So it is the share of first attempts that fail, times that of
// second attempts that succeed, in proportion to the first attempts that do.
func (f *Failures) chance() float64 { return f.second * f.first / (1 - min(f.first, 0.99)) }

func (f *Failures) count(b *Row, chance float64) {
	b.open, b.atFault = false, true
	b.counted++
	b.evidence += weight(chance)
}

// weight is what a failure says against chance that fails a share of all calls, in nats.
func weight(chance float64) float64 { return min(inFull, -math.Log(min(chance, 0.9))) }

// CountAll counts what is left against the rows themselves, and none of it as
// chance.
func (f *Failures) CountAll() {
	for _, c := range f.open {
		f.count(c.row, 0)
	}
	f.clear()
}

// Drop drops what turned out to be the service's fault.
func (f *Failures) Drop() {
	for _, c := range f.open {
		c.row.open = false
	}
	f.clear()
}

func (f *Failures) clear() {
	clear(f.open)
	f.open = f.open[:0]
}
