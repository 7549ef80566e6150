package fixes

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"bulkonboard/source"
)

// Changes are what a sheet changes.
type Changes struct {
	Rows    int64 // of the sheet
	Changed int64
	Columns []ColumnChanges // those in which a row was changed, in the order of the list

	// Of the rows of the sheet, those whose corrections are not taken, as a retry
	// has done something about them since the sheet was made.
	Succeeded []int64 // and are not called again
	Corrected []int64 // and have other values than the sheet was made with

	// Moved is why no retry may begin with the sheet: rows have the values of others,
	// as where some of its columns were sorted without the rest. It is nil otherwise.
	Moved error
}

// ColumnChanges are the rows in which a sheet changes a column.
type ColumnChanges struct {
	Column string
	Rows   int64
}

// Apply writes results with the corrections of a sheet: the results that were
// read, but for the values of the rows that were changed. It refuses a row that
// was not in the sheet as it was made, and a sheet of which no row is left.
func (s *Sheet) Apply(w io.Writer, list *source.List, t Table) (*Changes, error) {
	out := bufio.NewWriterSize(w, 1<<20)
	if _, err := out.Write(list.HeaderRaw()); err != nil {
		return nil, err
	}
	a := &applying{sheet: s, table: t, counts: make([]int64, len(t.Columns())), moved: newMovedCells(), changes: Changes{Rows: int64(len(s.rows))}}
	for rec, err := range list.Records() {
		if err != nil {
			return nil, err
		}
		line, err := a.record(rec)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(line); err != nil {
			return nil, err
		}
	}
	if a.found < int64(len(s.rows)) {
		last := &s.rows[len(s.rows)-1]
		return nil, s.wrong(last.line, fmt.Sprintf("the results have no row %d", last.row))
	}
	if c := &a.changes; len(s.rows) > 0 && len(c.Succeeded)+len(c.Corrected) == len(s.rows) {
		return nil, s.wrong(0, "retries have been made since this sheet was, and all of its rows have succeeded or have other values now")
	}
	return a.counted(), out.Flush()
}

// applying is a sheet that is being applied.
type applying struct {
	sheet   *Sheet
	table   Table
	found   int64 // rows of the sheet that the results have
	changes Changes
	counts  []int64 // of rows that were changed, by column
	moved   *movedCells
	line    []byte
}

// record gives a row of the results as it is to be read.
func (a *applying) record(rec *source.Record) ([]byte, error) {
	e := a.sheet.find(rec.Row)
	if e == nil {
		return rec.Raw, nil
	}
	a.found++
	k, err := a.sheet.read(e)
	if err != nil {
		return nil, err
	}
	mark := a.sheet.of.mark(rec.Row, a.table.Input(rec))
	if k.Mark == a.sheet.of.earlierMark(rec.Row, rec.Raw) {
		k.Mark = mark
	}
	switch {
	case !strings.HasPrefix(k.Mark, a.sheet.of.markOf(rec.Row)) || len(k.Mark) != len(mark):
		return nil, a.sheet.wrong(e.line, fmt.Sprintf("row %d does not have the mark of this row: number and mark must stay together as they were written", rec.Row))
	case !needed(a.table, rec):
		a.changes.Succeeded = append(a.changes.Succeeded, rec.Row)
		e.passed = true
		return rec.Raw, nil
	case k.Mark != mark:
		a.changes.Corrected = append(a.changes.Corrected, rec.Row)
		e.passed = true
		return rec.Raw, nil
	}
	return a.corrected(rec, e, &k)
}

func (a *applying) corrected(rec *source.Record, e *entry, k *kept) ([]byte, error) {
	values := a.table.Values(rec)
	for n, value := range k.Values {
		i := a.sheet.at[n]
		if cell := k.Numbers[n]; cell != "" && value != values[i] && becomes(values[i], value) {
			return nil, a.sheet.asNumber(e.line, cell)
		}
		if hasLostLetters(value, values[i]) {
			return nil, a.sheet.wrong(e.line, fmt.Sprintf("row %d, column %q has question marks in the place of letters, so the sheet was saved in an encoding that does not have them: save it as CSV in UTF-8, or as a workbook (.xlsx)",
				rec.Row, a.sheet.columns[n]))
		}
		if !sameText(value, values[i]) {
			a.moved.see(i, e, values[i], value)
			values[i] = value
			a.counts[i]++
			e.changed = true
		}
	}
	if !e.changed {
		return rec.Raw, nil
	}
	a.changes.Changed++
	var err error
	if a.line, err = a.table.Corrected(a.line[:0], rec, values); err != nil {
		return nil, a.sheet.wrong(e.line, fmt.Sprintf("row %d: %v", rec.Row, err))
	}
	return a.line, nil
}

// hasLostLetters reports a value that differs from what it was by nothing but question
// marks in the place of characters beyond ASCII. Programs write one for each unit of
// UTF-16.
func hasLostLetters(value, was string) bool {
	now, before := utf16.Encode([]rune(value)), utf16.Encode([]rune(was))
	if value == was || len(now) != len(before) {
		return false
	}
	for i, unit := range now {
		if unit != before[i] && (unit != '?' || before[i] < utf8.RuneSelf) {
			return false
		}
	}
	return true
}

// sameText reports whether a value is as it was. The line breaks in a cell are
// each program's own.
func sameText(a, b string) bool {
	return a == b || strings.ReplaceAll(a, "\r\n", "\n") == strings.ReplaceAll(b, "\r\n", "\n")
}

func (a *applying) counted() *Changes {
	for i, column := range a.table.Columns() {
		if a.counts[i] > 0 {
			a.changes.Columns = append(a.changes.Columns, ColumnChanges{column, a.counts[i]})
		}
	}
	a.changes.Moved = a.moved.err(a.sheet, a.table)
	return &a.changes
}
