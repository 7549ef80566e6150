package customers

import (
	"bulkonboard/batch/state"
)

// Comparing ten million rows with each other, and with a ledger of as many
// customers, one by one would look all over both. So they go to a scratch file
// in partitions: the rows by their customer's key, so that equal keys meet and
// the ledger is gone through once and in its own order, and what it has said by
// row, so that the run finds it in the order of the list. A partition is small
// enough to be sorted in memory.

// SpillFile is a scratch file with all that spills into it.
type SpillFile struct {
	file state.ScratchFile
	end  int64
}

// NewSpillFile takes a file that is for this use alone.
func NewSpillFile(file state.ScratchFile) *SpillFile { return &SpillFile{file: file} }

// Spill begins to take records.
func (f *SpillFile) Spill() *Spill { return &Spill{to: f} }

// SpillParts is how many partitions there are.
const SpillParts = 256

const (
	spillBytes = 16 << 10 // of a partition, before they go to the file
)

// Spill is records in partitions.
type Spill struct {
	to    *SpillFile
	parts [SpillParts]spillPart
}

type spillPart struct {
	pieces []piece // in the file, in the order in which they came
	buf    []byte  // behind them
}

type piece struct {
	at     int64
	length int
}

// Add puts a record behind those of its partition.
func (s *Spill) Add(part int, record []byte) error {
	p := &s.parts[part]
	if p.buf = append(p.buf, record...); len(p.buf) < spillBytes {
		return nil
	}
	if _, err := s.to.file.Write(p.buf); err != nil {
		return state.ScratchError("write", err)
	}
	p.pieces = append(p.pieces, piece{s.to.end, len(p.buf)})
	s.to.end += int64(len(p.buf))
	p.buf = p.buf[:0]
	return nil
}

// Read gives the records of a partition, in the order in which they came, in
// the memory of dst as far as it goes.
func (s *Spill) Read(part int, dst []byte) ([]byte, error) {
	p := &s.parts[part]
	length := len(p.buf)
	for _, piece := range p.pieces {
		length += piece.length
	}
	if cap(dst) < length {
		dst = make([]byte, 0, length+length/8)
	}
	dst = dst[:0]
	for _, piece := range p.pieces {
		n := len(dst)
		dst = dst[:n+piece.length]
		if _, err := s.to.file.ReadAt(dst[n:], piece.at); err != nil {
			return nil, state.ScratchError("read", err)
		}
	}
	return append(dst, p.buf...), nil
}
