package pace

// Blame is what the failed attempts of one row amount to. It belongs to the
// row; the controller writes to it.
type Blame struct {
	confirmed float64 // failed while the service answered others
	pending   float64 // failed since the service last answered anybody
	tried     bool
}

// Used reports whether the row has used up a number of attempts.
func (b *Blame) Used(attempts int) bool {
	return b.confirmed+b.pending > float64(attempts)-0.5
}

// suspect reports a row that failed while others did not.
func (b *Blame) suspect() bool { return b.confirmed > 0 }

const (
	// failureMemory is over how many first attempts the service's own share
	// of failures is smoothed.
	failureMemory = 64

	// leastCharge keeps a list in which most rows fail for ever from going
	// on for ever.
	leastCharge = 0.25
)

// docket decides whom a failure is charged to. A failure is the row's doing as
// far as the service does well otherwise: where every fifth first attempt
// fails, eight failures in a row say little about the row, and each counts for
// six tenths. A failure since which the service has answered nobody may be the
// service's altogether: it counts for the time being, until somebody is
// answered, which confirms it, or an outage is declared, which drops it.
type docket struct {
	pending []*Blame
	share   float64 // of first attempts that fail
}

// failed charges a failure to its row.
func (d *docket) failed(b *Blame) {
	charge := max(leastCharge, 1-2*d.share)
	d.seen(b, 1)
	if b.pending == 0 {
		d.pending = append(d.pending, b)
	}
	b.pending += charge
}

// answered takes in that the service answered a row: what failed before was
// not for want of a service.
func (d *docket) answered(b *Blame) {
	d.seen(b, 0)
	for _, p := range d.pending {
		p.confirmed, p.pending = p.confirmed+p.pending, 0
	}
	d.clear()
}

// outage drops the charges of those who failed as the service went down.
func (d *docket) outage() {
	for _, p := range d.pending {
		p.pending = 0
	}
	d.clear()
}

func (d *docket) clear() {
	clear(d.pending)
	d.pending = d.pending[:0]
}

// seen counts first attempts only: a row that fails for ever must not make the
// service look bad each time.
func (d *docket) seen(b *Blame, failed float64) {
	if !b.tried {
		b.tried = true
		d.share += (failed - d.share) / failureMemory
	}
}
