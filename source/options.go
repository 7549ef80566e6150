package source

import (
	"fmt"
	"io"
	"strings"
)

// Format is how a list is written down.
type Format int

// The formats. FormatAuto is only for Options: the content decides.
const (
	FormatAuto Format = iota
	FormatCSV
	FormatJSONL
)

// String gives the format as it is typed on a command line.
func (f Format) String() string {
	switch f {
	case FormatCSV:
		return "csv"
	case FormatJSONL:
		return "jsonl"
	default:
		return "auto"
	}
}

// Options say how a list is to be read. The zero value finds everything out.
type Options struct {
	Format Format
	Name   string // for messages: the path, or "standard input"

	Encoding  string   // its name; "" for UTF-8, or what a byte order mark says
	Delimiter rune     // of a CSV list; 0 to find it from the header
	Sheet     string   // of a workbook; "" for the sheet that is the list
	Map       []string // FIELD=COLUMN: where a field comes from; FIELD= for nowhere
	Set       []string // FIELD=VALUE: a value for every row

	// SheetRows says that the list is the CSV that a workbook became: its lines
	// are rows of a sheet.
	SheetRows bool

	// Results says that the list is a results file, as a run wrote it.
	Results bool

	// FormulaSafe says that the cells of a results file were made safe for
	// spreadsheets, so that the prefix is not part of a value.
	FormulaSafe bool

	// Part says which part of a list this is, when what is read is the header
	// and some of the records behind it; nil for a whole list.
	Part *Part

	// Scratch makes a file for a copy of a workbook, which is read here and there,
	// and perhaps another one for its texts. The list closes them. Nil: workbooks
	// are not read.
	Scratch func() (Scratch, error)

	// Copy takes every byte of the list as it is read, after decompression; it
	// is ahead of the records. May be nil.
	Copy io.Writer
}

// Part is a part of a list that was cut between two records. What a list tells
// of itself at its beginning is not in it, so Format, Encoding and Delimiter of
// its Options must be what the whole list gave.
type Part struct {
	Begins  Position // of its first record; rows, lines and bytes are counted from there
	LineEnd string   // of the whole list
}

// ListError says that the input cannot be read as a customer list. No record
// is to be sent.
type ListError struct {
	Name   string // of the list, as Options had it
	Line   int64  // where, as an editor counts lines; 0 when it is about the list as a whole
	Reason string
	Hint   string // what to do next; may have several lines
}

func (e *ListError) Error() string {
	var b strings.Builder
	if e.Name != "" {
		b.WriteString(e.Name + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	return b.String() + e.Reason
}

// ChangedError says that the bytes before a position are no longer those that
// were read when the position was taken.
type ChangedError struct {
	Name   string
	At     Position
	Reason string
}

func (e *ChangedError) Error() string {
	msg := fmt.Sprintf("the list has changed in its first %d rows (%d bytes): %s; restore the original list and run again to resume, or start over with --restart", e.At.Row, e.At.Offset, e.Reason)
	if e.Name != "" {
		return e.Name + ": " + msg
	}
	return msg
}
