package batch

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"io"
	"slices"

	"github.com/cespare/xxhash/v2"

	"bulkonboard/batch/state"
)

// The search for duplicates keeps 12 bytes a row: 64 bits of hash and the row.
// Equal hashes make rows candidates and no more, because two customers may
// share one, by chance or because somebody chose an address that does. What
// decides is a seal: a second hash, of another kind, under a key that nobody
// knows before. The seals go to a scratch file, 8 bytes a row in order, and
// only those of candidates are read again, so the list is read once. Two
// customers pass for one if both hashes agree: one pair in 2^128 by chance,
// one in 2^61 for whoever can make hashes agree at will.

// sighting is a row in which a customer was seen. The hash is in two halves,
// because a uint64 would make it 16 bytes.
type sighting struct {
	hashHigh, hashLow uint32
	row               uint32
}

func (s *sighting) hash() uint64 { return uint64(s.hashHigh)<<32 | uint64(s.hashLow) }

// chunkSightings is how many sightings are in a chunk. A slice that grows
// would hold up to three times what is in it; chunks waste one at most.
const chunkSightings = 1 << 14

// sightings is an array in chunks.
type sightings struct {
	chunks []*[chunkSightings]sighting
	n      int
}

func (s *sightings) at(i int) *sighting { return &s.chunks[i/chunkSightings][i%chunkSightings] }

func (s *sightings) add(v sighting) {
	if s.n == len(s.chunks)*chunkSightings {
		s.chunks = append(s.chunks, new([chunkSightings]sighting))
	}
	*s.at(s.n) = v
	s.n++
}

// cut drops what is behind the first n, with its chunks.
func (s *sightings) cut(n int) {
	keep := (n + chunkSightings - 1) / chunkSightings
	clear(s.chunks[keep:])
	s.chunks, s.n = s.chunks[:keep], n
}

// sort puts them in order by hash, then by row.
func (s *sightings) sort() { s.sortRange(0, s.n, 0) }

// fewSightings are sorted in one go, in memory of their own.
const fewSightings = 1 << 10

// digits is how many bytes decide the order.
const digits = 12

// digit is the n-th of these bytes.
func (s *sighting) digit(n int) byte {
	switch word := [...]uint32{s.hashHigh, s.hashLow, s.row}[n/4]; n % 4 {
	case 0:
		return byte(word >> 24)
	case 1:
		return byte(word >> 16)
	case 2:
		return byte(word >> 8)
	default:
		return byte(word)
	}
}

// sortRange sorts those from i to j that agree in all digits before the n-th.
// Many are put in place by that digit first, so each is looked at a few times,
// however many there are.
func (s *sightings) sortRange(i, j, n int) {
	if j-i <= fewSightings {
		s.sortFew(i, j)
		return
	}
	if n == digits {
		return
	}
	var next, end [256]int // of those with each digit
	for k := i; k < j; k++ {
		end[s.at(k).digit(n)]++
	}
	for d, at := 0, i; d < len(end); d++ {
		next[d] = at
		at += end[d]
		end[d] = at
	}
	for d := range next {
		for ; next[d] < end[d]; next[d]++ {
			v := *s.at(next[d])
			for at := v.digit(n); int(at) != d; at = v.digit(n) {
				place := s.at(next[at])
				v, *place = *place, v
				next[at]++
			}
			*s.at(next[d]) = v
		}
	}
	for d, from := 0, i; d < len(end); d++ {
		s.sortRange(from, end[d], n+1)
		from = end[d]
	}
}

func (s *sightings) sortFew(i, j int) {
	var few [fewSightings]sighting
	part := few[:j-i]
	for k := range part {
		part[k] = *s.at(i + k)
	}
	slices.SortFunc(part, func(a, b sighting) int {
		if x, y := a.hash(), b.hash(); x != y {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(a.row, b.row)
	})
	for k := range part {
		*s.at(i + k) = part[k]
	}
}

// Scratch is a file that is thrown away: written from its beginning, then read
// anywhere.
type Scratch interface {
	io.Writer
	io.ReaderAt
}

// seal is what the scratch file has of a row: a keyed hash of the customer,
// and in the lowest bits what else must be known should it be a duplicate.
type seal uint64

const (
	sealMail seal = 1 << iota // sendEmail is true
	sealKept                  // the row has a good result and is not sent
	sealBits = sealMail | sealKept
)

func (s seal) customer() seal { return s &^ sealBits }

// finder finds the rows of one customer.
type finder struct {
	hash    func([]byte) uint64
	keyed   func([]byte) uint64
	seen    sightings
	scratch Scratch
	seals   *bufio.Writer
	rows    int64 // that have a place in the scratch file
	found   int   // members at the front of seen

	duplicates int64 // later rows that would have been sent
	mails      int64 // of these, those that ask for a mail
}

func newFinder(scratch Scratch) *finder {
	key := maphash.MakeSeed()
	return &finder{
		hash:    xxhash.Sum64,
		keyed:   func(customer []byte) uint64 { return maphash.Bytes(key, customer) },
		scratch: scratch,
		seals:   bufio.NewWriterSize(scratch, 64<<10),
	}
}

// see takes note of a customer in a row. Rows come in order; some never come.
func (f *finder) see(row int64, customer []byte, about seal) error {
	var place [8]byte
	for ; f.rows < row-1; f.rows++ {
		if _, err := f.seals.Write(place[:]); err != nil {
			return scratchError("write", err)
		}
	}
	f.rows++
	binary.LittleEndian.PutUint64(place[:], uint64(seal(f.keyed(customer)).customer()|about))
	if _, err := f.seals.Write(place[:]); err != nil {
		return scratchError("write", err)
	}
	hash := f.hash(customer)
	f.seen.add(sighting{hashHigh: uint32(hash >> 32), hashLow: uint32(hash), row: uint32(row)})
	return nil
}

func (f *finder) sealOf(row uint32) (seal, error) {
	var place [8]byte
	if _, err := f.scratch.ReadAt(place[:], 8*(int64(row)-1)); err != nil {
		return 0, scratchError("read", err)
	}
	return seal(binary.LittleEndian.Uint64(place[:])), nil
}

func scratchError(op string, err error) error {
	return &state.IOError{Op: op, Path: "the scratch file", Err: err}
}

// find ends the search. Members take the place of sightings that have been
// looked at, so it needs no memory but for its result.
func (f *finder) find() (*Duplicates, error) {
	if err := f.seals.Flush(); err != nil {
		return nil, scratchError("write", err)
	}
	f.seen.sort()
	for from := 0; from < f.seen.n; {
		to := from + 1
		for to < f.seen.n && f.seen.at(to).hash() == f.seen.at(from).hash() {
			to++
		}
		if to-from > 1 {
			if err := f.candidates(from, to); err != nil {
				return nil, err
			}
		}
		from = to
	}
	f.seen.cut(f.found)
	f.seen.sort()
	members := make([]member, f.found)
	for i := range members {
		s := f.seen.at(i)
		members[i] = member{row: s.row, other: s.hashLow}
	}
	f.seen.cut(0)
	return newDuplicates(members), nil
}

// candidate is a row whose hash agrees with another's.
type candidate struct {
	row  uint32
	seal seal
}

// candidates takes the rows of one hash apart by their seals. Nearly
// always all are of one customer.
func (f *finder) candidates(from, to int) error {
	var others map[seal][]candidate
	var leader candidate
	lead := group{finder: f}
	for i := from; i < to; i++ {
		c := candidate{row: f.seen.at(i).row}
		var err error
		if c.seal, err = f.sealOf(c.row); err != nil {
			return err
		}
		if i == from {
			leader = c
		}
		if c.seal.customer() == leader.seal.customer() {
			lead.add(c)
			continue
		}
		if others == nil {
			others = map[seal][]candidate{}
		}
		others[c.seal.customer()] = append(others[c.seal.customer()], c)
	}
	lead.end()
	for _, rows := range others {
		g := group{finder: f}
		for _, c := range rows {
			g.add(c)
		}
		g.end()
	}
	return nil
}

// group puts the rows of one customer among the members as they come.
type group struct {
	*finder
	first  uint32
	leader int // index of the member that leads
	last   uint32
}

func (g *group) add(c candidate) {
	if g.first == 0 {
		g.first = c.row
		return
	}
	if g.last == 0 {
		g.leader = g.found
		g.found++
	}
	g.last = c.row
	g.put(g.found, c.row, g.first)
	g.found++
	if c.seal&sealKept == 0 {
		g.duplicates++
		if c.seal&sealMail != 0 {
			g.mails++
		}
	}
}

func (g *group) end() {
	if g.last != 0 {
		g.put(g.leader, g.first, g.last)
	}
}

// put makes a member of a sighting that has been looked at. Its row stands
// where the order of sorting looks first.
func (g *group) put(i int, row, other uint32) {
	*g.seen.at(i) = sighting{hashHigh: row, hashLow: other, row: row}
}
