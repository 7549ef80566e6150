package batch

import "math/rand/v2"

// ahead is rows that were taken from the reader and not sent yet, in order. It
// belongs to the dispatcher; the window bounds it.
type ahead struct {
	rows    []*slot // nil where one was taken out of turn
	head    int
	left    int
	untried int // of those left
}

func (a *ahead) add(s *slot) {
	if a.left == 0 {
		clear(a.rows[a.head:])
		a.rows, a.head = a.rows[:0], 0
	}
	if a.head >= 1024 && a.head > len(a.rows)/2 {
		n := copy(a.rows, a.rows[a.head:])
		clear(a.rows[n:])
		a.rows, a.head = a.rows[:n], 0
	}
	a.rows = append(a.rows, s)
	a.left++
	if s.fresh() {
		a.untried++
	}
}

// fresh reports a row that needs a call, and for which none has failed.
func (s *slot) fresh() bool { return s.given == nil && !s.blame.Tried() }

// first takes the row whose turn it is, or nil.
func (a *ahead) first() *slot {
	for ; a.head < len(a.rows); a.head++ {
		if a.rows[a.head] != nil {
			return a.take(a.head)
		}
	}
	return nil
}

// tries bounds the search for a row that is fit for a trial.
const tries = 64

// random takes a row that was never tried from anywhere, or nil. A customer with
// several rows is called in their order, so those are left alone.
func (a *ahead) random() *slot {
	for n := 0; n < tries && a.untried > 0; n++ {
		i := a.head + rand.IntN(len(a.rows)-a.head) //nolint:gosec // which row is tried is no secret
		if s := a.rows[i]; s != nil && s.fresh() && !s.family.Shared() {
			return a.take(i)
		}
	}
	return nil
}

func (a *ahead) take(i int) *slot {
	s := a.rows[i]
	a.rows[i] = nil
	a.left--
	if s.fresh() {
		a.untried--
	}
	return s
}
