package customers

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
)

// Search finds the rows of one customer. It tells customers by a key of 128
// bits, made under a secret: that of a ledger, or one that is drawn for this
// list. Rows with equal keys are of one customer; that two customers share one,
// by chance or because somebody chose an address to that end, has a chance of
// one in 2^82 for ten million of them.
type Search struct {
	seeds [2]maphash.Seed
	rows  *Spill
	buf   []byte

	members []member
	found   Found

	// Of the partition that is looked at.
	part  int // -1 before the first
	blob  []byte
	seen  []Sighting
	ends  []uint32 // while they are sorted: where the rows with the next bits of a key end
	first []int    // where the rows of each key begin, and where the last ones end
	at    int      // of the keys, the first that Rows has not passed
}

// Found is what a search has found.
type Found struct {
	Duplicates *Duplicates
	Repeated   int64 // later rows that would have been sent
	Mails      int64 // of these, the rows that ask for a mail
}

// NewSearch begins to search.
func NewSearch(file *SpillFile) *Search {
	return &Search{part: -1, rows: file.Spill(), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// Traits are what must be known of a row besides its customer.
type Traits byte

// What a row may have.
const (
	AsksMail Traits = 1 << iota // sendEmail is true
	IsKept                      // the row has a good result and is not sent
)

// Sighting is a row in which a customer was seen.
type Sighting struct {
	Key    [16]byte // of the customer
	Row    uint32
	Traits Traits

	// With a ledger.
	Digest [8]byte // of the fields that are sent
	Print  uint64  // fingerprint of the record
}

const sightingBytes = 16 + 8 + 8 + 4 + 1

func (s *Sighting) appendTo(dst []byte) []byte {
	dst = append(append(dst, s.Key[:]...), s.Digest[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, s.Print)
	return append(binary.LittleEndian.AppendUint32(dst, s.Row), byte(s.Traits))
}

func parseSighting(b []byte) (s Sighting) {
	b = b[copy(s.Key[:], b):]
	b = b[copy(s.Digest[:], b):]
	s.Print, s.Row, s.Traits = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), Traits(b[12])
	return s
}

// Key is the key of a customer, where no ledger has one.
func (s *Search) Key(customer []byte) (key [16]byte) {
	for i, seed := range s.seeds {
		binary.LittleEndian.PutUint64(key[8*i:], maphash.Bytes(seed, customer))
	}
	return key
}

// See takes note of a row of a customer.
func (s *Search) See(v *Sighting) error {
	s.buf = v.appendTo(s.buf[:0])
	return s.rows.Add(int(v.Key[0]), s.buf)
}

// Rows gives the rows of a customer, until the next call. All rows have been
// seen by then, and keys are asked for in their order.
func (s *Search) Rows(key [16]byte) ([]Sighting, error) {
	if err := s.upTo(int(key[0])); err != nil {
		return nil, err
	}
	for s.at < len(s.first)-1 {
		rows := s.seen[s.first[s.at]:s.first[s.at+1]]
		switch bytes.Compare(rows[0].Key[:], key[:]) {
		case 0:
			return rows, nil
		case 1:
			return nil, nil
		}
		s.at++
	}
	return nil, nil
}

// End gives what was found in all rows.
func (s *Search) End() (Found, error) {
	if err := s.upTo(SpillParts - 1); err != nil {
		return Found{}, err
	}
	slices.SortFunc(s.members, func(a, b member) int { return cmp.Compare(a.row, b.row) })
	s.found.Duplicates = newDuplicates(s.members)
	return s.found, nil
}

// upTo compares the rows of each partition, up to that which it leaves in memory.
func (s *Search) upTo(part int) (err error) {
	for s.part < part {
		s.part++
		if s.blob, err = s.rows.Read(s.part, s.blob); err != nil {
			return err
		}
		s.sort()
		s.first, s.at = s.first[:0], 0
		for i := range s.seen {
			if i == 0 || s.seen[i].Key != s.seen[i-1].Key {
				s.first = append(s.first, i)
			}
		}
		s.first = append(s.first, len(s.seen))
		for i, from := range s.first[:len(s.first)-1] {
			s.family(s.seen[from:s.first[i+1]])
		}
	}
	return nil
}

// sort takes the rows of a partition apart, by key and then by row. The bits of keys
// are as good as random, so most of the way is counting: each row is put where the
// first bits behind those of the partition say, a few rows to a place, and what is
// left to do is to compare neighbors.
func (s *Search) sort() {
	rows := len(s.blob) / sightingBytes
	shift := 56 - min(24, bits.Len(uint(rows/4)))
	place := func(key []byte) uint64 { return binary.BigEndian.Uint64(key) << 8 >> 8 >> shift }
	s.ends = slices.Grow(s.ends[:0], 1<<(56-shift))[:1<<(56-shift)]
	clear(s.ends)
	for at := 0; at < len(s.blob); at += sightingBytes {
		s.ends[place(s.blob[at:])]++
	}
	sum := uint32(0)
	for i, n := range s.ends {
		s.ends[i], sum = sum, sum+n
	}
	s.seen = slices.Grow(s.seen[:0], rows)[:rows]
	for at := 0; at < len(s.blob); at += sightingBytes {
		end := &s.ends[place(s.blob[at:])]
		s.seen[*end] = parseSighting(s.blob[at:])
		*end++
	}
	from := uint32(0)
	for _, end := range s.ends {
		if end-from > 1 {
			slices.SortFunc(s.seen[from:end], compareSightings)
		}
		from = end
	}
}

func compareSightings(a, b Sighting) int {
	// The first half of a key tells nearly all apart.
	if x, y := binary.BigEndian.Uint64(a.Key[:]), binary.BigEndian.Uint64(b.Key[:]); x != y {
		return cmp.Compare(x, y)
	}
	if order := bytes.Compare(a.Key[:], b.Key[:]); order != 0 {
		return order
	}
	return cmp.Compare(a.Row, b.Row)
}

// family takes note of the rows of one customer: the first one leads.
func (s *Search) family(rows []Sighting) {
	if len(rows) == 1 {
		return
	}
	lead := rows[0].Row
	s.members = append(s.members, member{lead, rows[len(rows)-1].Row})
	for i := range rows[1:] {
		later := &rows[1+i]
		s.members = append(s.members, member{later.Row, lead})
		if later.Traits&IsKept == 0 {
			s.found.Repeated++
			if later.Traits&AsksMail != 0 {
				s.found.Mails++
			}
		}
	}
}
