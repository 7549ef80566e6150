// Package fixes makes and reads sheets of corrections.
//
// A sheet is a CSV file with the rows of a results file that need attention, for
// a person to correct in any editor: a mark, the row's number, what is wrong in
// words, and then the columns of the list. It may come back with its rows and
// columns in any order, some rows left out, and saved in any dialect, and also
// after a retry. What may not happen is that a correction reaches a row that it was
// not made for. So the mark of a row, which the sheet has in its first column, is
// made of three parts: of the run, of the number of the row in it, and of what the
// row had then. Where the first two differ, somebody has mixed up rows, and the
// sheet is refused. Where only the last differs, a retry has corrected the row
// since, and it alone is left as it is. Values that were sorted apart from the marks
// are noticed where they have moved from one row to another.
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
	Run string // id of the run that wrote them first: retries of it are about the same rows

	// As they stand, to read sheets of earlier versions.
	LastRun string // id of the run or retry that wrote them so
	SHA256  string // of the file
}

// A mark begins with letters, so that no spreadsheet takes it for a number or a
// date. Behind them are a part that all rows of a sheet share, and two of the
// row's own.
const (
	markPrefix = "fix-"
	sharedLen  = 5 // characters, of 5 bits each
	numberLen  = 8 // likewise: no slip makes it the mark of another row
	inputLen   = 8

	earlierLen = 16 // the row's own part in marks of earlier versions
)

// mark binds a row to its results, and to what it has but its result.
func (r *Results) mark(row int64, input []string) string {
	return r.markOf(row) + digest(inputLen, append([]string{r.Run}, input...)...)
}

// markOf is how the mark of a row begins, whatever it has.
func (r *Results) markOf(row int64) string {
	return r.shared() + digest(numberLen, r.Run, strconv.FormatInt(row, 10))
}

// shared is how all marks of the results begin.
func (r *Results) shared() string { return markPrefix + digest(sharedLen, r.Run) + "-" }

// isOurs reports a mark that begins as all marks of the results do.
func (r *Results) isOurs(mark string) bool {
	return strings.HasPrefix(mark, r.shared()) || strings.HasPrefix(mark, r.earlierShared())
}

// earlierMark is the mark that earlier versions gave a row: of the results as they
// stand, to the byte. It is read, so that their sheets stay good and retries that
// they have begun can be resumed, and never written.
func (r *Results) earlierMark(row int64, raw []byte) string {
	return r.earlierShared() + digest(earlierLen, r.LastRun, r.SHA256, strconv.FormatInt(row, 10), string(raw))
}

// earlierShared is how all marks of the results begin that an earlier version gave.
func (r *Results) earlierShared() string {
	return markPrefix + digest(sharedLen, r.LastRun, r.SHA256) + "-"
}

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
