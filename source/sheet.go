package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bulkonboard/source/workbook"
)

// A workbook is read as the CSV that it becomes: in UTF-8 with a byte order mark,
// cut at commas, a line for each row of the sheet, an empty one where the row is
// empty. Line numbers are the row numbers of the sheet, though a cell may have
// several lines. The bytes, offsets and sums of its records are those of that CSV,
// which is made again each time the workbook is read and is the same each time. So
// no copy of the list outlives the process that reads it.
const (
	sheetDelimiter = ','
	sheetLineEnd   = "\n"
)

// Scratch is a file that is thrown away when it is closed.
type Scratch interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// openWorkbook reads a workbook, which r is at the start of.
func (l *List) openWorkbook(r io.Reader, o *Options) error {
	if o.Scratch == nil || l.results {
		return &ListError{Reason: "this is " + foreign([]byte(WorkbookMagic)), Hint: "name the workbook itself"}
	}
	if l.encodingNamed || l.delimiterNamed || l.format == FormatJSONL || l.unprefix {
		return &ListError{Reason: "the list is a workbook; --format, --encoding, --delimiter and --formula-safe of the input are for text", Hint: "leave them out"}
	}
	book, err := l.unpack(r, o)
	if err != nil {
		return sheetError(err)
	}
	s := &sheet{notices: &l.notices}
	if err := s.choose(book, o.Sheet, &l.mapping); err != nil {
		return sheetError(err)
	}
	var plain io.Reader = s
	if o.Copy != nil {
		plain = io.TeeReader(plain, o.Copy)
	}
	l.sheet, l.sheetRows = s, true
	l.format, l.delimiter, l.lineEnd, l.bom = FormatCSV, sheetDelimiter, sheetLineEnd, true
	l.lines = newLines(plain)
	mark := l.lines.skip(int64(len(utf8Mark)))
	l.headerRaw = append(l.headerRaw, mark...)
	l.consume(mark, 0)
	if err := l.readHeader(); err != nil {
		return err
	}
	s.bind(&l.columnOf)
	return nil
}

// unpack copies the workbook to where it can be read anywhere.
func (l *List) unpack(r io.Reader, o *Options) (*workbook.File, error) {
	file, err := o.Scratch()
	if err != nil {
		return nil, err
	}
	l.scratch = append(l.scratch, file)
	size, err := io.Copy(file, r)
	if err != nil {
		return nil, &ReadError{Name: l.name, Err: err}
	}
	return workbook.Open(file, size, func() (workbook.Scratch, error) {
		file, err := o.Scratch()
		if err == nil {
			l.scratch = append(l.scratch, file)
		}
		return file, err
	})
}

// Close lets go of the scratch files of a workbook; other lists have none.
func (l *List) Close() error {
	var errs []error
	for _, file := range l.scratch {
		errs = append(errs, file.Close())
	}
	l.scratch = nil
	return errors.Join(errs...)
}

// Sheet is the name of the sheet that the list is in; "" when it is not a workbook.
func (l *List) Sheet() string {
	if l.sheet == nil {
		return ""
	}
	return l.sheet.name
}

// SheetShare is how much of the sheet has been read, from 0 to 1.
func (l *List) SheetShare() float64 {
	if l.sheet == nil {
		return 0
	}
	return l.sheet.rows.Share()
}

// sheetError is what is wrong with a workbook as what is wrong with a list.
func sheetError(err error) error {
	var wrong *workbook.Error
	if errors.As(err, &wrong) {
		return &ListError{Reason: wrong.Reason, Hint: wrong.Hint}
	}
	return err
}

// lineName is a line for people.
func (l *List) lineName(line int64) string {
	if l.sheetRows {
		return fmt.Sprintf("row %d of the sheet", line)
	}
	return fmt.Sprintf("line %d", line)
}

// cellNames puts before the problems of a row of a sheet the cells that they are
// about.
func (l *List) cellNames(rec *Record) {
	for i := range rec.Problems {
		p := &rec.Problems[i]
		for f, column := range l.columnOf {
			if column > 0 && field(f).String() == p.Field {
				p.Message = fmt.Sprintf("cell %s%d: %s", workbook.ColumnName(column), rec.Line, p.Message)
			}
		}
	}
}

// outside names the cells of a row of a sheet for which the header has no column.
func (l *List) outside(row int64, cells []string) *Problem {
	column := l.width + 1
	for strings.TrimSpace(cells[column-1]) == "" && column < len(cells) {
		column++
	}
	return &Problem{Code: "wrong_field_count", Message: fmt.Sprintf("%s: cell %s%d has a value, and its column has no name in the header; empty the cell, or name the column",
		l.lineName(row), workbook.ColumnName(column), row)}
}

// inSheet says of a list error where in the sheet it is, and where the header is
// when it stands below titles.
func (l *List) inSheet(wrong *ListError) error {
	s := l.sheet
	out := *wrong
	out.Line = 0
	out.Reason = fmt.Sprintf("sheet %q, row %d: %s", s.name, s.head[0].number, wrong.Reason)
	for _, row := range s.head[1:] {
		if !l.mapping.fits(l.named(row.texts)) {
			continue
		}
		above := "row 1"
		if row.number > 2 {
			above = fmt.Sprintf("rows 1 to %d", row.number-1)
		}
		out.Reason = fmt.Sprintf("sheet %q: the header is in row %d, and above it are rows that are not part of the list, such as a title (cell %s%d)",
			s.name, row.number, workbook.ColumnName(s.head[0].first), s.head[0].number)
		out.Hint = fmt.Sprintf("delete %s of the sheet, and save the workbook", above)
		return &out
	}
	if i := slices.IndexFunc(l.named(s.head[0].texts), func(name string) bool { return strings.TrimSpace(name) == "" }); i >= 0 {
		out.Reason = fmt.Sprintf("sheet %q: cell %s%d is empty, and the header must have a name for each of its columns", s.name, workbook.ColumnName(i+1), s.head[0].number)
		out.Hint = "type a name, such as unused"
	}
	if s.others != "" {
		out.Hint = strings.TrimSpace(out.Hint + "\n" + s.others)
	}
	return &out
}
