package customers

import (
	"bufio"
	"io"
	"math"

	"bulkonboard/batch/state"
)

// Given keeps what the later rows of a customer are answered with. It belongs
// to the dispatcher. A list may have as many such customers as rows, half of
// it being the other half again, so the answers are in a scratch file, and in
// memory is only where: 4 bytes for each row that shares its customer.
type Given struct {
	duplicates *Duplicates
	scratch    state.ScratchFile
	places     []uint32 // by member, of the rows that lead: in units from 1; 0 for none
	used       uint32   // units of the file
	entry      []byte
	in         *bufio.Reader
}

const (
	givenUnit = 16      // bytes that an entry begins at a multiple of
	maxEntry  = 2 << 16 // bytes, more than any entry has
)

// NewGiven begins with no answers. The file is for this use alone, and needed only
// where there are duplicates.
func NewGiven(d *Duplicates, scratch state.ScratchFile) *Given {
	g := &Given{duplicates: d, scratch: scratch, in: bufio.NewReaderSize(nil, 128)}
	if d != nil {
		g.places = make([]uint32, len(d.members))
	}
	return g
}

// Put keeps the answer of the customer whose rows a row leads. A session id
// stays, and a refusal gives way.
func (g *Given) Put(lead int64, a Result) error {
	i, shared := g.duplicates.index(lead)
	if !shared {
		return nil
	}
	if before, known, err := g.Of(lead); err != nil || known && !before.refused() {
		return err
	}
	g.entry = AppendResult(g.entry[:0], lead, a)
	for len(g.entry)%givenUnit != 0 {
		g.entry = append(g.entry, 0)
	}
	units := uint32(len(g.entry) / givenUnit)
	if units > math.MaxUint32-1-g.used {
		return state.ScratchError("write", io.ErrShortWrite)
	}
	if _, err := g.scratch.Write(g.entry); err != nil {
		return state.ScratchError("write", err)
	}
	g.places[i] = g.used + 1
	g.used += units
	return nil
}

// Of gives the answer of the customer whose rows a row leads.
func (g *Given) Of(lead int64) (a Result, known bool, err error) {
	i, shared := g.duplicates.index(lead)
	if !shared || g.places[i] == 0 {
		return a, false, nil
	}
	g.in.Reset(io.NewSectionReader(g.scratch, int64(g.places[i]-1)*givenUnit, maxEntry))
	_, a, err = ReadResult(g.in)
	if err != nil {
		return a, false, state.ScratchError("read", err)
	}
	return a, true, nil
}
