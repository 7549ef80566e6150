package fixes

import (
	"fmt"
	"hash/maphash"
	"slices"

	"bulkonboard/source"
)

// Marks keep a row's number with its mark, and cannot keep its values with them:
// where somebody sorts the mark and the number alone, or one column of values, each
// row has the values of another, and what was corrected for one customer would be
// sent for another. It shows in values that have moved: a row has one that another
// row had, and that one has it no longer. Correcting hardly ever makes two of them
// in a column, and sorting makes many.

// fewestMoved is how many values of a column have moved where a slip is assumed. One
// may be the address of a neighbor, by which somebody had mistyped another.
const fewestMoved = 2

// identifying are the fields whose values hardly two customers have in common.
var identifying = []string{"customerEmail", "customerMobileNumber", "employeeId", "clientId", "registrationNumber"}

// naming are those whose values some customers have in common. Where many rows are
// corrected in one, it may seem now and then that a value has moved.
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
		is := func(fields []string) bool {
			return slices.ContainsFunc(t.Fields(column), func(field string) bool { return slices.Contains(fields, field) })
		}
		fewest := fewestMoved
		switch {
		case is(identifying):
		case is(naming):
			fewest = max(fewest, (len(m.columns[column])+1)/2)
		default:
			continue
		}
		to, from, count := m.find(column)
		if count < fewest {
			continue
		}
		return &source.ListError{
			Name: s.name, Line: to.line,
			Reason: fmt.Sprintf("row %d, column %q has the value that row %d had, which has another now, and %d values of the column have moved so: cells were sorted or moved apart from %s and %s, and a row would get what is another customer's",
				to.row, name, from.row, count, markColumn, rowColumn),
			Hint: "make a new sheet with bulkonboard fixes, and sort whole rows only; if the values are meant so, give such rows in sheets of their own, one after the other, or correct the list and send that with bulkonboard run; nothing was sent",
		}
	}
	return nil
}
