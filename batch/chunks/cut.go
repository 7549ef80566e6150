package chunks

import (
	"slices"
	"time"

	"bulkonboard/source"
)

const (
	// maxMarks bounds the places that are remembered while a list is read: with
	// one more, every other is forgotten, and of what follows too.
	maxMarks = 1 << 13

	// Of a chunk, as far as the rate tells: what is lost of a share when a
	// worker dies, or when the last chunks run alone, is part of a chunk.
	longestChunk  = 3 * time.Minute
	shortestChunk = 5 * time.Second

	// wavesWanted is how many chunks after another each share should have,
	// where they are not too short for it.
	wavesWanted = 4

	// unpacedRows is a chunk where there is no ceiling.
	unpacedRows = 50_000
)

// mark is a place at which a list can be cut, and what is before it.
type mark struct {
	at    source.Position
	calls int64 // rows that may be called for
}

// marks are places to cut a list at, evenly spread over it.
type marks struct {
	all   []mark
	every int64 // rows between two
	rows  int64
	calls int64
	last  source.Position
}

// see takes note of a record.
func (m *marks) see(rec *source.Record) {
	m.rows++
	if len(rec.Problems) == 0 {
		m.calls++
	}
	m.last = rec.Next
	if m.every = max(1, m.every); m.rows%m.every != 0 {
		return
	}
	m.all = append(m.all, mark{rec.Next, m.calls})
	if len(m.all) <= maxMarks {
		return
	}
	m.every *= 2
	kept := m.all[:0]
	for i, k := range m.all {
		if i%2 == 1 {
			kept = append(kept, k)
		}
	}
	m.all = kept
}

// cut gives the places at which chunks of some rows end; the last one is the
// end of the list.
func (m *marks) cut(rows int64) []source.Position {
	var ends []source.Position
	begins := int64(0)
	for _, k := range m.all {
		if k.at.Row-begins >= rows {
			ends, begins = append(ends, k.at), k.at.Row
		}
	}
	return m.closed(ends)
}

// share gives the places at which the list is in n chunks with as many calls
// each, as nearly as the marks allow.
func (m *marks) share(n int64) []source.Position {
	var ends []source.Position
	n = min(n, int64(len(m.all)))
	for i := int64(1); i < n; i++ {
		at, _ := slices.BinarySearchFunc(m.all, m.calls*i/n, func(k mark, calls int64) int { return int(k.calls - calls) })
		if at < len(m.all) && (len(ends) == 0 || m.all[at].at.Row > ends[len(ends)-1].Row) && m.all[at].at.Row > 0 {
			ends = append(ends, m.all[at].at)
		}
	}
	return m.closed(ends)
}

// closed ends the last chunk where the list ends.
func (m *marks) closed(ends []source.Position) []source.Position {
	if m.rows == 0 {
		return nil
	}
	if n := len(ends); n > 0 && ends[n-1].Row == m.rows {
		ends = ends[:n-1]
	}
	return append(ends, m.last)
}

// chunksFor is how many chunks a number of calls is cut into: as many for each
// share, so that all shares end together.
func (j *Job) chunksFor(calls int64) int64 {
	parallel := int64(j.Parallel)
	if j.Rate <= 0 {
		each := max(1, (calls+unpacedRows*parallel-1)/(unpacedRows*parallel))
		return parallel * each
	}
	took := float64(calls) / (paceShare * j.Rate)
	least := int64(took/longestChunk.Seconds()) + 1
	most := max(1, int64(took/shortestChunk.Seconds()))
	return parallel * max(least, min(wavesWanted, most))
}
