package pace

import (
	"math"
	"time"
)

// inFull is what a failure weighs against chance, in nats, where chance fails no
// more than a tenth of all calls: each attempt that a row may use asks for that
// much before the row is given up.
const inFull = math.Ln10

// Blame is what the failed attempts of one row amount to. It belongs to the
// row; the controller writes to it.
type Blame struct {
	answered int // attempts that came back, up to two
	failed   int // attempts that failed
	counted  int // of these, while other rows succeeded
	evidence float64
	pending  int // failures since which no other row has succeeded
}

// Charged makes the blame of a row that an earlier start has counted.
func Charged(attempts int) Blame {
	return Blame{answered: min(attempts, 2), failed: attempts, counted: attempts, evidence: inFull * float64(attempts)}
}

// Seen makes the blame of a row that failed in an earlier run.
func Seen() Blame { return Blame{answered: 2, failed: 1} }

// Charged is how many attempts count against the row, whatever the service does
// at random: what chance excuses is not carried over to another start.
func (b *Blame) Charged() int {
	if b.counted == 0 {
		return 0
	}
	return min(b.counted, max(1, int(math.Ceil(b.evidence/inFull-1e-6))))
}

// Count counts an answer against a row that may be its own doing.
func (b *Blame) Count() {
	b.failed, b.counted = b.failed+1, b.counted+1
	b.evidence += inFull
}

// Tried reports that an attempt for the row has failed.
func (b *Blame) Tried() bool { return b.failed > 0 }

// Used reports whether the row has used up a number of attempts. Where the
// service fails many calls at random, that takes more failures than the number.
func (b *Blame) Used(attempts int) bool {
	n := b.counted + b.pending
	evidence := b.evidence + inFull*float64(b.pending)
	return n >= attempts && evidence >= inFull*float64(attempts)-1e-6 || n >= mostTries*attempts
}

// suspect reports a row whose failing again says nothing of the service.
func (b *Blame) suspect() bool { return b.counted >= 2 }

// failures decides which failures count against their rows.
type failures struct {
	open []failure

	// Shares of calls, smoothed: first attempts that failed, those of them that
	// were not refused, and second attempts that succeeded.
	first, faults, second float64
}

// failure is one of which it is not known yet whether its row is at fault, or the
// service.
type failure struct {
	blame *Blame
	sent  time.Time
}

func (f *failures) add(b *Blame, sent time.Time) {
	b.pending++
	f.open = append(f.open, failure{b, sent})
}

// failed takes in a failure outside of blocks.
func (f *failures) failed(b *Blame, class Class) {
	switch b.answered++; b.answered {
	case 1:
		f.first += (1 - f.first) / 64
		if !class.asksForFewer() {
			f.faults += (1 - f.faults) / 64
		}
	case 2:
		f.second -= f.second / 32
	}
}

// answered takes in that the service did well by a row. Those that failed
// meanwhile failed for themselves: their calls were sent no later.
func (f *failures) answered(b *Blame, sent time.Time) {
	switch b.answered++; b.answered {
	case 1:
		f.first -= f.first / 64
		f.faults -= f.faults / 64
	case 2:
		f.second += (1 - f.second) / 32
	}
	left := f.open[:0]
	for _, c := range f.open {
		if c.blame == b || c.sent.After(sent) {
			left = append(left, c)
		} else {
			f.count(c.blame, f.chance())
		}
	}
	clear(f.open[len(left):])
	f.open = left
}

// chance is the share of calls that fail though neither their row nor an outage
// is to blame. Rows that always fail must not count: they never succeed on their
// second attempt. So it is the share of first attempts that fail, times that of
// second attempts that succeed, in proportion to the first attempts that do.
func (f *failures) chance() float64 { return f.second * f.first / (1 - min(f.first, 0.99)) }

func (f *failures) count(b *Blame, chance float64) {
	b.pending = max(0, b.pending-1)
	b.counted++
	b.evidence += min(inFull, -math.Log(min(chance, 0.9)))
}

// countAll counts what is left against the rows themselves, and none of it as
// chance.
func (f *failures) countAll() {
	for _, c := range f.open {
		f.count(c.blame, 0)
	}
	f.clear()
}

// drop drops what turned out to be the service's fault.
func (f *failures) drop() {
	for _, c := range f.open {
		c.blame.pending = 0
	}
	f.clear()
}

func (f *failures) clear() {
	clear(f.open)
	f.open = f.open[:0]
}
