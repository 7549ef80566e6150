// Package fixes makes and reads sheets of corrections.
//
// A sheet is a CSV file with the rows of a results file that need attention, for
// a person to correct in any editor: a mark, the row's number, what is wrong in
// words, and then the columns of the list. It may come back with its rows and
// columns in any order, some rows left out, and saved in any dialect. What may
// not happen is that a correction reaches a row that it was not made for. So the
// mark of a row, which the sheet has in its first column, is made from the run,
// the results, the number and the very bytes of the row: a row of another run,
// of another number, or that was not in the sheet, has another.
package fixes

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"

	"bulkonboard/source"
)

// row is what a sheet has of each row before the columns of the list.
type row struct {
	Mark     string `csv:"fixMark"`
	Row      string `csv:"fixRow"`
	Problems string `csv:"fixProblems"`
}

// The names of the columns that row has.
const (
	markColumn     = "fixMark"
	rowColumn      = "fixRow"
	problemsColumn = "fixProblems"
)

func ownColumns() []string { return []string{markColumn, rowColumn, problemsColumn} }

// Results are those that a sheet is about.
type Results struct {
	Run    string // id of the run that wrote them
	SHA256 string // of the file
}

// A mark begins with letters, so that no spreadsheet takes it for a number or a
// date. Behind them are a part that all rows of a sheet share, and one of the
// row's own.
const (
	markPrefix = "fix-"
	sharedLen  = 5  // characters, of 5 bits each
	ownLen     = 16 // likewise: nobody meets the mark of another row by a slip
)

// mark binds a row to its results.
func (r *Results) mark(row int64, raw []byte) string {
	return r.shared() + digest(ownLen, r.Run, r.SHA256, strconv.FormatInt(row, 10), string(raw))
}

// shared is how all marks of the results begin.
func (r *Results) shared() string { return markPrefix + digest(sharedLen, r.Run, r.SHA256) + "-" }

// digest makes a short text of parts. Each stands with its length, so that no
// two lists of parts are one text.
func digest(characters int, parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return strings.ToLower(base32.HexEncoding.EncodeToString(hash.Sum(nil)))[:characters]
}

// checkColumns refuses columns of a list that a sheet cannot have beside its own.
func checkColumns(name string, columns []string) error {
	for _, column := range columns {
		for _, own := range ownColumns() {
			if strings.EqualFold(strings.TrimSpace(column), own) {
				return &source.ListError{
					Name: name, Reason: fmt.Sprintf("the list has a column %q, which a sheet of corrections has too", column),
					Hint: "rename that column in the list and run it again, or correct the rows in the rejects (--rejects)",
				}
			}
		}
	}
	return nil
}
