package source

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gocarina/gocsv"
)

// columns has for every field the number of the column that it is read from, from
// 1; 0 is none.
type columns [fieldCount]int

// bindColumns binds the fields of a Customer to their columns, by its csv tags.
//
// gocsv binds a row to a struct by the names in the header, with reflection. For
// every row that would cost more than all the rest of reading it, and it cannot
// give one column to two fields. So it is given a table of two lines once a list:
// the canonical names, and below each the number of its column. The Customer that
// comes of it says for each field in which column it is, and from then on a row
// is plain indexing.
func bindColumns(at columnNumbers) (bound columns, err error) {
	var names, numbers []string
	for f, number := range at {
		if number > 0 {
			names = append(names, field(f).String())
			numbers = append(numbers, strconv.Itoa(number))
		}
	}
	var rows []Customer
	table := strings.Join(names, ",") + "\n" + strings.Join(numbers, ",") + "\n"
	if err := gocsv.UnmarshalString(table, &rows); err != nil {
		return bound, fmt.Errorf("bind the columns: %w", err)
	}
	for f, number := range rows[0].places() {
		if *number != "" {
			bound[f], err = strconv.Atoi(*number)
		}
	}
	return bound, err
}

// fill takes the values of a row by their columns.
func (at *columns) fill(c *Customer, cells []string) {
	*c = Customer{}
	for f, value := range c.places() {
		if column := at[f]; column > 0 {
			*value = trimmed(cells[column-1])
		}
	}
}

// trimmed is a value without white space around it, which few values have.
func trimmed(value string) string {
	if value == "" || isBare(value[0]) && isBare(value[len(value)-1]) {
		return value
	}
	return strings.TrimSpace(value)
}

// isBare reports a byte that is not white space or a part of it.
func isBare(c byte) bool { return ' ' < c && c < utf8.RuneSelf }
