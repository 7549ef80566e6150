package batch

import (
	"iter"

	"bulkonboard/source"
)

// unchanged yields the records of a list that is read again, up to a
// *source.ChangedError when it is not what it was: ends is where it ended the
// first time, and from how many rows were left out now. A list that was cut
// short, or written again while it was read, would lose customers without a
// word. What it has got behind its end is not looked at.
func unchanged(records iter.Seq2[*source.Record, error], ends source.Position, from int64) iter.Seq2[*source.Record, error] {
	if ends.Row == 0 {
		return records
	}
	return func(yield func(*source.Record, error) bool) {
		row := from
		for rec, err := range records {
			if err == nil && rec.Row > ends.Row {
				return
			}
			if err == nil {
				row = rec.Row
			}
			if err == nil && row == ends.Row && rec.Next.Sum != ends.Sum {
				rec, err = nil, &source.ChangedError{At: ends, Reason: "its bytes differ from those that were read before the first call"}
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
		if row < ends.Row {
			yield(nil, &source.ChangedError{At: ends, Reason: "it is shorter than when it was read before the first call"})
		}
	}
}
