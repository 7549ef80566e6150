package batch

import "math/rand/v2"

// queue is rows that were taken from the reader and not sent yet, in order. It
// belongs to the dispatcher; the window bounds it.
type queue struct {
	rows    []*slot // nil where one was taken out of turn
	head    int
	left    int
	untried int // of those left
}

func (q *queue) add(s *slot) {
	if q.left == 0 {
		clear(q.rows[q.head:])
		q.rows, q.head = q.rows[:0], 0
	}
	if q.head >= 1024 && q.head > len(q.rows)/2 {
		n := copy(q.rows, q.rows[q.head:])
		clear(q.rows[n:])
		q.rows, q.head = q.rows[:n], 0
	}
	q.rows = append(q.rows, s)
	q.left++
	if s.fresh() {
		q.untried++
	}
}

// first takes the row whose turn it is, or nil.
func (q *queue) first() *slot {
	for ; q.head < len(q.rows); q.head++ {
		if q.rows[q.head] != nil {
			return q.take(q.head)
		}
	}
	return nil
}

// tries bounds the search for a row that is fit for a trial.
const tries = 64

// random takes a row from anywhere, one that was never tried if there is one, or nil. A
// customer with several rows is called in their order, so those are left alone.
func (q *queue) random() *slot {
	for n := 0; n < tries && q.left > 0; n++ {
		i := q.head + rand.IntN(len(q.rows)-q.head) //nolint:gosec // which row is tried is not a secret
		s := q.rows[i]
		if s != nil && s.answer.Result == nil && (s.fresh() || q.untried == 0) && !s.family.Shared() {
			return q.take(i)
		}
	}
	return nil
}

func (q *queue) take(i int) *slot {
	s := q.rows[i]
	q.rows[i] = nil
	q.left--
	if s.fresh() {
		q.untried--
	}
	return s
}
