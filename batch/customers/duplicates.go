package customers

import (
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"sort"
)

// Duplicates says which rows of a list are of one customer. Of such rows the
// first valid one leads, and the later ones refer to it. It keeps 8 bytes for
// each of them and nothing for the others. Nil and the zero value know none.
type Duplicates struct {
	members []member // by row
	later   int64    // those that do not lead
}

// member is a row that shares its customer with another row. For a later row,
// other is the row that leads; for the row that leads, the last of them. So
// whichever of the two numbers is larger tells them apart.
type member struct{ row, other uint32 }

func (m member) leads() bool { return m.other > m.row }

// First gives the row that leads, when this is a later row of its customer.
func (d *Duplicates) First(row int64) (first int64, ok bool) {
	m, ok := d.find(row)
	return int64(m.other), ok && !m.leads()
}

// Last gives the last row of the customer, when this row leads: until then its
// result is asked for.
func (d *Duplicates) Last(row int64) (last int64, leads bool) {
	m, ok := d.find(row)
	return int64(m.other), ok && m.leads()
}

func (d *Duplicates) find(row int64) (member, bool) {
	i, ok := d.index(row)
	if !ok {
		return member{}, false
	}
	return d.members[i], true
}

// index is where a row that shares its customer stands among the members.
func (d *Duplicates) index(row int64) (i int, ok bool) {
	if d == nil {
		return 0, false
	}
	i = sort.Search(len(d.members), func(i int) bool { return int64(d.members[i].row) >= row })
	return i, i < len(d.members) && int64(d.members[i].row) == row
}

// Family is the rows of a customer that has several: the row that leads and the
// last row. It is zero for a row that shares its customer with no other.
type Family struct{ Lead, Last int64 }

// Shared reports whether the customer has several rows.
func (f Family) Shared() bool { return f.Lead > 0 }

// Asks reports whether a row after this one will ask what became of it.
func (f Family) Asks(row int64) bool { return row < f.Last }

// Family gives the family of a row.
func (d *Duplicates) Family(row int64) Family {
	m, ok := d.find(row)
	if !ok {
		return Family{}
	}
	if m.leads() {
		return Family{row, int64(m.other)}
	}
	last, _ := d.Last(int64(m.other))
	return Family{int64(m.other), last}
}

// Len counts the later rows.
func (d *Duplicates) Len() int64 {
	if d == nil {
		return 0
	}
	return d.later
}

// All yields the later rows, in order, each with the row that leads.
func (d *Duplicates) All() iter.Seq2[int64, int64] {
	return func(yield func(row, first int64) bool) {
		if d == nil {
			return
		}
		for _, m := range d.members {
			if !m.leads() && !yield(int64(m.row), int64(m.other)) {
				return
			}
		}
	}
}

// Part looks at the rows of a part of the list, from a first to a last one.
// Within are the customers that have all their rows there, and beyond the later
// rows of the others: it takes another part to answer those.
func (d *Duplicates) Part(first, last int64) (within *Duplicates, beyond map[int64]bool) {
	var members []member
	beyond = map[int64]bool{}
	from, _ := d.index(first)
	to, _ := d.index(last + 1)
	for ; from < to; from++ {
		m := d.members[from]
		switch f := d.Family(int64(m.row)); {
		case f.Lead >= first && f.Last <= last:
			members = append(members, m)
		case !m.leads():
			beyond[int64(m.row)] = true
		}
	}
	return newDuplicates(members), beyond
}

// Of gives what Part, First and Family need to know of the rows of a part of the
// list: those that share their customer with another row, and the rows before the
// part that lead them.
func (d *Duplicates) Of(first, last int64) *Duplicates {
	from, _ := d.index(first)
	to, _ := d.index(last + 1)
	leads := map[member]bool{}
	for i := from; i < to; i++ {
		if m := d.members[i]; !m.leads() && int64(m.other) < first {
			lead, _ := d.find(int64(m.other))
			leads[lead] = true
		}
	}
	members := slices.SortedFunc(maps.Keys(leads), func(a, b member) int { return cmp.Compare(a.row, b.row) })
	if from < to {
		members = append(members, d.members[from:to]...)
	}
	return newDuplicates(members)
}

// Bounds gives the first and the last of the rows that share their customer with
// another row; zero when there are none.
func (d *Duplicates) Bounds() (first, last int64) {
	if d.Members() == 0 {
		return 0, 0
	}
	return int64(d.members[0].row), int64(d.members[len(d.members)-1].row)
}

// Led gives the families of some of the rows that lead. It asks for each row that
// leads, in order.
func (d *Duplicates) Led(by func(lead int64) bool) *Duplicates {
	chosen := make([]bool, len(d.members))
	var members []member
	for i, m := range d.members {
		lead := i
		if m.leads() {
			chosen[i] = by(int64(m.row))
		} else {
			lead, _ = d.index(int64(m.other))
		}
		if chosen[lead] {
			members = append(members, m)
		}
	}
	return newDuplicates(members)
}

// newDuplicates takes members that are sorted by row.
func newDuplicates(members []member) *Duplicates {
	d := &Duplicates{members: members}
	for _, m := range members {
		if !m.leads() {
			d.later++
		}
	}
	return d
}

// MemberBytes is how long AppendTo makes each of the Members.
const MemberBytes = 8

// Members counts the rows that share their customer with another row.
func (d *Duplicates) Members() int {
	if d == nil {
		return 0
	}
	return len(d.members)
}

// AppendTo appends what ParseDuplicates reads: of each member its row and the
// other, u32 each, little-endian, by row.
func (d *Duplicates) AppendTo(dst []byte) []byte {
	if d == nil {
		return dst
	}
	for _, m := range d.members {
		dst = binary.LittleEndian.AppendUint32(dst, m.row)
		dst = binary.LittleEndian.AppendUint32(dst, m.other)
	}
	return dst
}

// ParseDuplicates reads what AppendTo made, and checks what the search in them
// relies on. The rest is for the checksum of the keeper: a run that goes
// on has no time to look at each twice.
func ParseDuplicates(b []byte) (*Duplicates, bool) {
	members := make([]member, len(b)/MemberBytes)
	before := uint32(0)
	for i := range members {
		m := member{
			row:   binary.LittleEndian.Uint32(b[MemberBytes*i:]),
			other: binary.LittleEndian.Uint32(b[MemberBytes*i+4:]),
		}
		if m.row <= before || m.other == 0 || m.other == m.row {
			return nil, false
		}
		members[i], before = m, m.row
	}
	return newDuplicates(members), true
}
