package source

import (
	"fmt"
	"slices"
	"strings"
)

// columnNumbers has for every field the number of its column, from 1; 0 is
// none.
type columnNumbers [fieldCount]int

// fill takes the values of a row by their columns.
func (at *columnNumbers) fill(c *Customer, cells []string) {
	*c = Customer{}
	for f, value := range c.places() {
		if column := at[f]; column > 0 {
			*value = trimmed(cells[column-1])
		}
	}
}

// columnsOf finds the columns of the fields in a header, or says why it is none.
func (m *mapping) columnsOf(header []string) (columnNumbers, error) {
	if hasAddress(header) {
		return columnNumbers{}, noHeader("the first line has an e-mail address in it, so it looks like a customer and not like a header")
	}
	if err := checkNames(header); err != nil {
		return columnNumbers{}, err
	}
	at, err := m.bind(header)
	if err != nil {
		return at, err
	}
	return at, m.checkHeader(header, at)
}

// fits reports a header with all that a customer needs.
func (m *mapping) fits(header []string) bool {
	_, err := m.columnsOf(header)
	return err == nil
}

// bind finds the columns of the fields: those that were named, and for the
// others the column that has the field's name. It refuses what could put a value
// into the wrong field.
func (m *mapping) bind(header []string) (columnNumbers, error) {
	var at columnNumbers
	for f := range fieldCount {
		name := m.columns[f]
		if name == "" {
			continue
		}
		var err error
		if at[f], err = namedColumn(header, f, name); err != nil {
			return at, err
		}
	}
	for i, name := range header {
		f, known := fieldOf(name)
		if _, told := m.columns[f]; !known || told {
			continue
		}
		if before := at[f]; before > 0 {
			return at, &ListError{
				Line: 1, Reason: fmt.Sprintf("the columns %d %q and %d %q are both %s", before, header[before-1], i+1, name, f),
				Hint: fmt.Sprintf("say which of the two is meant: --map %s, or --map %s", shellAssignment(f, header[before-1]), shellAssignment(f, name)),
			}
		}
		at[f] = i + 1
	}
	return at, m.contradiction(header, at)
}

// contradiction refuses a constant for a field that has a column.
func (m *mapping) contradiction(header []string, at columnNumbers) error {
	for _, c := range m.constants {
		if i := at[c.field]; i > 0 {
			return &ListError{
				Line: 1, Reason: fmt.Sprintf("--set %s contradicts column %d %q, which is %s", c.field, i, header[i-1], c.field),
				Hint: fmt.Sprintf("leave out --set %s, or type --map %s= too, so that the column is not read", c.field, c.field),
			}
		}
	}
	return nil
}

// namedColumn finds the column that --map names: the column of exactly that name, or
// else the only one that is the same as names are compared.
func namedColumn(header []string, f field, name string) (int, error) {
	var near []string
	found := 0
	for i, column := range header {
		if strings.TrimSpace(column) == name {
			return i + 1, nil
		}
		if folded(column) == folded(name) {
			found = i + 1
			near = append(near, fmt.Sprintf("%q", column))
		}
	}
	flag := "--map " + shellAssignment(f, name)
	switch {
	case len(near) > 1:
		return 0, &ListError{
			Line: 1, Reason: fmt.Sprintf("%s fits the columns %s", flag, strings.Join(near, " and ")),
			Hint: "write the name of the right column exactly as it is in the header",
		}
	case found == 0:
		return 0, &ListError{Line: 1, Reason: flag + ": the header has no such column", Hint: nearColumns(header, f, name)}
	}
	return found, nil
}

// checkNames refuses a header in which a column cannot be told by its name.
func checkNames(header []string) error {
	seen := map[string]int{}
	for i, name := range header {
		key := strings.ToLower(strings.TrimSpace(name))
		if key == "" {
			return &ListError{Line: 1, Reason: fmt.Sprintf("the header of column %d is empty", i+1), Hint: "give every column a name, such as unused"}
		}
		if before := seen[key]; before > 0 {
			return &ListError{
				Line: 1, Reason: fmt.Sprintf("the columns %d %q and %d %q are the same", before, header[before-1], i+1, name),
				Hint: "rename or remove one of them: which of the two is meant cannot be guessed",
			}
		}
		seen[key] = i + 1
	}
	return nil
}

// checkHeader refuses a header without which every row would be invalid.
func (m *mapping) checkHeader(header []string, at columnNumbers) error {
	c := choice{mapping: m, header: header, at: at}
	lacks := c.lacking(customerEmail)
	details := !c.has(individualFields...) && !c.has(companyFields...)
	if len(lacks) == 0 && !details {
		return nil
	}
	if slices.ContainsFunc(header, isData) {
		return noHeader("the first line looks like a customer and not like a header")
	}
	if !slices.ContainsFunc(header, func(name string) bool { return len(name) < 2 || name[0] != '\'' || name[len(name)-1] != '\'' }) {
		return &ListError{Line: 1, Reason: "all names of the header stand between apostrophes, which belong to the names", Hint: `export the list again, with double quotation marks (") around text`}
	}
	var reasons []string
	for _, f := range lacks {
		reasons = append(reasons, f.String())
	}
	if details {
		reasons = append(reasons, "firstName and lastName, or fullName, registrationNumber and tradingName")
	}
	return &ListError{Line: 1, Reason: "the header lacks " + strings.Join(reasons, "; "), Hint: c.hint()}
}

func noHeader(reason string) error {
	return &ListError{Line: 1, Reason: reason, Hint: "put a header line first: " + strings.Join(fieldNames(), ",")}
}

// hasAddress recognises a list without a header by an e-mail address in its
// first line.
func hasAddress(header []string) bool {
	return slices.ContainsFunc(header, func(cell string) bool { return isEmail(strings.TrimSpace(cell)) })
}

// isData recognises what stands in rows and hardly in a header.
func isData(cell string) bool {
	cell = strings.TrimSpace(cell)
	return cell == individualType || cell == companyType || isUUID(cell) || isNumber(cell)
}

func isNumber(cell string) bool {
	return cell != "" && strings.Trim(cell, "+0123456789 ()-/.:") == "" && strings.ContainsAny(cell, "0123456789")
}
