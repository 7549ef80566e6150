package fixes

import (
	"fmt"
	"hash/maphash"
	"slices"

	"bulkonboard/source"
)

// A mark proves that it and the number of its row are still together, and says nothing
// of the values beside them. Where somebody sorts the two alone, or one column of
// values, each row has the values of another, and what was corrected for one customer
// would be sent for another. It shows in values that have moved: a row has one that
// another row had, and that one has it no longer. Correcting hardly ever moves two
// values of a column, and sorting moves many.

// fewestMoved is how many values of a column must have moved for a sheet to be refused.
// One may be the address of a neighbor that a row had by mistake.
const fewestMoved = 2

// identifying are the fields whose value is hardly ever that of two customers.
var identifying = []string{"customerEmail", "customerMobileNumber", "employeeId", "clientId", "registrationNumber"}

// naming are those in which some customers agree. Where many names are corrected, now
// and then one is what another was, so half of them must have moved.
var naming = []string{"firstName", "lastName", "fullName", "tradingName"}

// movedCells finds the values that have moved, of the cells that a sheet changes. It
// keeps hashes of them.
type movedCells struct {
	seed    maphash.Seed
	columns map[int][]changedCell
}

// changedCell is what a row had in a column, and has now.
type changedCell struct {
	row, line int64
	was, is   uint64
}

func newMovedCells() *movedCells {
	return &movedCells{seed: maphash.MakeSeed(), columns: map[int][]changedCell{}}
}

func (m *movedCells) hash(value string) uint64 { return maphash.String(m.seed, value) }

// see takes a cell that a sheet changes.
func (m *movedCells) see(column int, e *entry, was, is string) {
	m.columns[column] = append(m.columns[column], changedCell{e.row, e.line, m.hash(was), m.hash(is)})
}

// find gives the first value of a column that has moved, with the row it is from, and
// how many have. A value that several rows had is of none of them.
func (m *movedCells) find(column int) (to, from *changedCell, count int) {
	cells, nothing := m.columns[column], m.hash("")
	had := make(map[uint64]*changedCell, len(cells))
	for i := range cells {
		if _, several := had[cells[i].was]; several || cells[i].was == nothing {
			had[cells[i].was] = nil
		} else {
			had[cells[i].was] = &cells[i]
		}
	}
	for i := range cells {
		of := had[cells[i].is]
		if of == nil {
			continue
		}
		if count++; to == nil {
			to, from = &cells[i], of
		}
		if cells[i].was == nothing && of.is == nothing { // exchanged for an empty cell
			count++
		}
	}
	return to, from, count
}

// err refuses a sheet in which values have moved; nil when none have.
func (m *movedCells) err(s *Sheet, t Table) error {
	for column, name := range t.Columns() {
		fewest := m.fewest(column, t.Fields(column))
		to, from, count := m.find(column)
		if fewest == 0 || count < fewest {
			continue
		}
		return &source.ListError{
			Name: s.name, Line: to.line,
			Reason: fmt.Sprintf("in column %q, row %d has what row %d had, and row %d has something else now; %d values of this column have moved like this, so cells were sorted or moved without %s and %s, and a customer would be sent with the data of another",
				name, to.row, from.row, from.row, count, markColumn, rowColumn),
			Hint: "make a new sheet with bulkonboard fixes, and sort whole rows only; if customers really are to exchange these values, correct them in two sheets, one after the other, or correct the list and send that with bulkonboard run; nothing was sent",
		}
	}
	return nil
}

// fewest is how many values of a column must have moved; 0 for a column whose values
// say nothing of who a customer is.
func (m *movedCells) fewest(column int, fields []string) int {
	is := func(these []string) bool {
		return slices.ContainsFunc(fields, func(field string) bool { return slices.Contains(these, field) })
	}
	switch {
	case is(identifying):
		return fewestMoved
	case is(naming):
		return max(fewestMoved, (len(m.columns[column])+1)/2)
	}
	return 0
}
