package pace

import "time"

// recent counts what was accepted in the last minute, by half seconds.
type recent struct {
	slots   [120]int32
	newest  int64 // half seconds since 1970
	oldest  int64
	counted int64
}

const recentSlot = 500 * time.Millisecond

func (r *recent) add(now time.Time) {
	r.move(now)
	r.slots[r.newest%int64(len(r.slots))]++
	r.counted++
}

// perSecond is the rate over the last minute, or since the start.
func (r *recent) perSecond(now time.Time) float64 {
	r.move(now)
	span := min(int64(len(r.slots)), r.newest-r.oldest+1)
	return float64(r.counted) / (float64(span) * recentSlot.Seconds())
}

func (r *recent) move(now time.Time) {
	at := now.UnixNano() / int64(recentSlot)
	if r.oldest == 0 {
		r.oldest, r.newest = at, at
	}
	r.newest = max(r.newest, at-int64(len(r.slots))) // longer ago is all forgotten
	for r.newest < at {
		r.newest++
		slot := &r.slots[r.newest%int64(len(r.slots))]
		r.counted -= int64(*slot)
		*slot = 0
	}
}
