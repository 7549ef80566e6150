package source

import "strings"

// formulaStart are the characters at the start of a cell that make a
// spreadsheet run it. See OWASP, "CSV Injection".
const formulaStart = "=+-@\t\r\n＝＋－＠"

// startsFormula reports whether a spreadsheet would run the cell.
func startsFormula(cell string) bool {
	for _, r := range cell {
		return strings.ContainsRune(formulaStart, r)
	}
	return false
}

// WithPrefix is a cell that a spreadsheet shows and does not run. A cell that
// looks as if it had the prefix already gets one more, so that taking one away
// always gives back what there was.
func WithPrefix(cell string) string {
	if startsFormula(strings.TrimLeft(cell, "'")) {
		return "'" + cell
	}
	return cell
}

// WithoutPrefix takes back what WithPrefix did to a cell.
func WithoutPrefix(cell string) string {
	if cell != "" && cell[0] == '\'' && startsFormula(strings.TrimLeft(cell, "'")) {
		return cell[1:]
	}
	return cell
}

// withoutPrefix takes back what WithPrefix did to the cells of a row.
func withoutPrefix(cells []string) {
	for i, cell := range cells {
		cells[i] = WithoutPrefix(cell)
	}
}
