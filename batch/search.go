package batch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/source"
)

// search finds the rows of one customer, and what a ledger knows of them. It
// tells customers by a key of 128 bits, made under a secret: that of the ledger,
// or one that is drawn for this list. Rows with equal keys are of one customer;
// that two customers share one, by chance or because somebody chose an address
// to that end, has a chance of one in 2^82 for ten million of them.
type search struct {
	known  *Known // nil without a ledger
	hasher *ledger.Hasher
	runID  string
	own    uint64 // number of that run in the ledger; 0: it put nothing down yet
	seeds  [2]maphash.Seed
	now    time.Time

	rows    spill
	answers *Answers
	buf     []byte

	members    []member
	duplicates int64            // later rows that would have been sent
	mails      int64            // of these, and of customers that are not called, the rows that ask for a mail
	found      int64            // customers that the ledger has
	counts     [standings]int64 // customers, by what the ledger knows

	// Of the partition that is looked at.
	part  int // -1 before the first
	blob  []byte
	seen  []seen
	first []int // where the rows of each key begin, and where the last ones end
	at    int   // of the keys, the first that the ledger has not passed
}

func newSearch(file state.ScratchFile, k *Known, runID string) *search {
	to := &scratch{file: file}
	s := &search{known: k, runID: runID, part: -1, now: time.Now(), rows: spill{scratch: to}, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	if k != nil {
		s.hasher = k.Ledger.Hasher(k.Owner)
		s.answers = &Answers{known: k, spill: spill{scratch: to}, part: -1}
	}
	return s
}

// traits are what must be known of a row besides its customer.
type traits byte

const (
	asksMail traits = 1 << iota // sendEmail is true
	isKept                      // the row has a good result and is not sent
)

// seen is a row in which a customer was seen.
type seen struct {
	key    ledger.Key
	row    uint32
	traits traits

	// With a ledger.
	digest ledger.Digest // of the fields that are sent
	print  uint64        // fingerprint of the record
}

const seenBytes = len(ledger.Key{}) + len(ledger.Digest{}) + 8 + 4 + 1

func (s *seen) appendTo(dst []byte) []byte {
	dst = append(append(dst, s.key[:]...), s.digest[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, s.print)
	return append(binary.LittleEndian.AppendUint32(dst, s.row), byte(s.traits))
}

func parseSeen(b []byte) (s seen) {
	b = b[copy(s.key[:], b):]
	b = b[copy(s.digest[:], b):]
	s.print, s.row, s.traits = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:]), traits(b[12])
	return s
}

// see takes note of a row of a customer.
func (s *search) see(rec *source.Record, customer []byte, t traits) error {
	v := seen{row: uint32(rec.Row), traits: t}
	if s.known == nil {
		for i, seed := range s.seeds {
			binary.LittleEndian.PutUint64(v.key[8*i:], maphash.Bytes(seed, customer))
		}
	} else {
		v.print = rec.Fingerprint()
		v.key, v.digest = s.known.hash(s.hasher, rec, customer)
	}
	s.buf = v.appendTo(s.buf[:0])
	return s.rows.add(int(v.key[0]), s.buf)
}

// end compares all rows of a list of so many, with each other and with the
// ledger.
func (s *search) end(rows int64) error {
	if s.known != nil {
		s.answers.width = uint32(rows/spillParts + 1)
		s.own = s.known.Ledger.RunNumber(s.runID)
		if err := s.known.Ledger.Walk(s.meet); err != nil {
			return err
		}
	}
	if err := s.upTo(spillParts - 1); err != nil {
		return err
	}
	slices.SortFunc(s.members, func(a, b member) int { return cmp.Compare(a.row, b.row) })
	return nil
}

// meet compares a customer of the ledger with the rows. Customers come in the
// order of their keys.
func (s *search) meet(key ledger.Key, value []byte) error {
	if err := s.upTo(int(key[0])); err != nil {
		return err
	}
	for s.at < len(s.first)-1 {
		switch bytes.Compare(s.seen[s.first[s.at]].key[:], key[:]) {
		case 0:
			return s.match(s.seen[s.first[s.at]:s.first[s.at+1]], value)
		case 1:
			return nil
		}
		s.at++
	}
	return nil
}

// upTo compares the rows of each partition, up to that which it leaves in memory.
func (s *search) upTo(part int) (err error) {
	for s.part < part {
		s.part++
		if s.blob, err = s.rows.read(s.part, s.blob); err != nil {
			return err
		}
		s.sort()
		s.first, s.at = s.first[:0], 0
		for i := range s.seen {
			if i == 0 || s.seen[i].key != s.seen[i-1].key {
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

// sort takes the rows of a partition apart, by key and then by row.
func (s *search) sort() {
	s.seen = s.seen[:0]
	for rest := s.blob; len(rest) > 0; rest = rest[seenBytes:] {
		s.seen = append(s.seen, parseSeen(rest))
	}
	slices.SortFunc(s.seen, func(a, b seen) int {
		// The first half of a key tells nearly all apart.
		if x, y := binary.BigEndian.Uint64(a.key[:]), binary.BigEndian.Uint64(b.key[:]); x != y {
			return cmp.Compare(x, y)
		}
		if order := bytes.Compare(a.key[:], b.key[:]); order != 0 {
			return order
		}
		return cmp.Compare(a.row, b.row)
	})
}

// family takes note of the rows of one customer: the first one leads.
func (s *search) family(rows []seen) {
	if len(rows) == 1 {
		return
	}
	lead := rows[0].row
	s.members = append(s.members, member{lead, rows[len(rows)-1].row})
	for i := range rows[1:] {
		later := &rows[1+i]
		s.members = append(s.members, member{later.row, lead})
		if later.traits&isKept == 0 {
			s.duplicates++
			if later.traits&asksMail != 0 {
				s.mails++
			}
		}
	}
}

// match takes in what the ledger knows of a customer, for all its rows.
func (s *search) match(rows []seen, value []byte) error {
	e, err := ledger.ParseCalls(value)
	if err != nil {
		return err
	}
	s.found++
	is := s.known.standing(&e, func(d ledger.Digest) bool {
		return slices.ContainsFunc(rows, func(row seen) bool { return row.digest == d })
	}, s.now)
	if is == isRefused && s.own != 0 && e.Refusal.Run == s.own {
		// This run has called one row of the customer before it was
		// interrupted, and the others have their turn as if it had not been.
		is = isDue
	}
	if lead := &rows[0]; lead.traits&isKept == 0 { // with or without a ledger it makes no call
		s.counts[is]++
		if !is.called() && lead.traits&asksMail != 0 {
			s.mails++
		}
	}
	if is.called() {
		return nil
	}
	for i := range rows {
		if err := s.answers.add(&rows[i], is, value); err != nil {
			return err
		}
	}
	return nil
}

// tell tells a forecast what was found.
func (s *search) tell(f *Forecast) {
	f.Duplicates, f.Repeated = newDuplicates(s.members), s.duplicates
	f.Calls -= s.duplicates
	f.Mailed -= s.mails
	if s.known == nil {
		return
	}
	f.Asked, f.Answers, f.Found = true, s.answers, s.found
	f.Known, f.Refused = s.counts[isKnown], s.counts[isRefused]
	f.Changed, f.Expired, f.Due = s.counts[isChanged], s.counts[isExpired], s.counts[isDue]
	f.Calls -= f.Known + f.Refused
	f.New = f.Calls - f.Changed - f.Expired - f.Due
}
