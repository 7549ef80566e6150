package fixes

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
	"bulkonboard/source"
)

func TestASlipInASheetIsRefused(t *testing.T) {
	other := sheetOf(t, Results{Run: "another"}, results)
	for _, c := range []struct {
		name string
		edit func(rows [][]string) [][]string
		want string
	}{
		{"a sheet of another run", func([][]string) [][]string { return other }, "line 2: row 2 has a mark of other results"},
		{"a row of another run", func(r [][]string) [][]string { return append(r[:4], other[4]) }, "row 5 has a mark of other results"},
		{"a row twice", func(r [][]string) [][]string { return append(r, r[2]) }, "line 7: row 3 is there twice, first in line 4"},
		{"a row that was not in it", func(r [][]string) [][]string {
			r[1][1] = "1"
			return r
		}, "row 1 does not have the mark of this row"},
		{"numbers of rows exchanged", func(r [][]string) [][]string {
			r[1][1], r[2][1] = r[2][1], r[1][1]
			return r
		}, "does not have the mark of this row"},
		{"a number beyond the results", func(r [][]string) [][]string {
			r[1][1] = "77"
			return r
		}, "the results have no row 77"},
		{"no number", func(r [][]string) [][]string {
			r[1][1] = "2nd"
			return r
		}, `fixRow is "2nd", which is not the number of a row`},
		{"no mark", func(r [][]string) [][]string {
			r[1][0] = ""
			return r
		}, "row 2 has no mark"},
		{"a mark cut off", func(r [][]string) [][]string {
			r[1][0] = r[1][0][:20]
			return r
		}, "row 2 does not have the mark of this row"},
		{"an unknown column", func(r [][]string) [][]string {
			r[0][4] = "mail"
			return r
		}, `line 1: the list has no column "mail"`},
		{"a column twice", func(r [][]string) [][]string {
			r[0][4] = "firstName"
			return r
		}, `there are two columns "firstName"`},
		{"no column of marks", func(r [][]string) [][]string {
			r[0][0] = "mark"
			return r
		}, "the header has no column fixMark"},
		{"no column of numbers", func(r [][]string) [][]string {
			for i := range r {
				r[i] = slices.Delete(r[i], 1, 2)
			}
			return r
		}, "the column fixRow is missing"},
		{"an encoding without some letters", func(r [][]string) [][]string {
			r[4][5] = "?ve"
			return r
		}, `line 6: row 5, column "firstName" has question marks in the place of letters`},
		{"another encoding", func(r [][]string) [][]string {
			r[4][5] = "\xc9ve"
			return r
		}, `line 6: column "firstName" is not UTF-8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, err := applied(t, results, written(c.edit(sheetOf(t, ours, results))))
			var wrong *source.ListError
			require.ErrorAs(t, err, &wrong)
			assert.Contains(t, err.Error(), c.want)
			assert.Contains(t, wrong.Hint, "nothing was sent")
		})
	}
	_, _, _, err := applied(t, results, written(sheetOf(t, ours, results))+"fix,\"")
	require.ErrorContains(t, err, "fixes.csv: line")
}

// A retry leaves most rows as they were, and their corrections are as good as they
// were before it.
func TestASheetIsGoodAfterARetryForTheRowsThatItHasNotCorrected(t *testing.T) {
	again := strings.NewReplacer(
		"No,1,2026-01-31T02:00", "Still no,2,2026-02-01T02:00", // row 3 was sent again as it is
		"\"Individual,dan\",,,,,invalid,,wrong_field_count,the row has 2 fields,0", "Individual,dan@example.com,Dan,Kim,,ok,s-4,,,1", // row 4 succeeded
		"Éve,Moe,", "Eve,Mo,", // row 5 was corrected, and failed again
	).Replace(results)
	rows := sheetOf(t, ours, results)
	set(rows, "2", "customerEmail", "bob@example.com")
	set(rows, "3", "customerEmail", "sid@example.com")
	set(rows, "4", "customerEmail", "another@example.com")
	set(rows, "5", "lastName", "Poe")
	got, changes, s, err := applied(t, again, written(rows))
	require.NoError(t, err)
	assert.Equal(t, strings.NewReplacer("bob@example,", "bob@example.com,", "cid@", "sid@").Replace(again), got)
	assert.Equal(t, &Changes{Rows: 4, Changed: 2, Columns: []ColumnChanges{{"customerEmail", 2}}, Succeeded: []int64{4}, Corrected: []int64{5}}, changes)
	assert.True(t, s.Sends(2, sink.Invalid))
	assert.True(t, s.Sends(3, sink.Rejected))
	assert.True(t, s.Sends(5, sink.Failed), "as if it was left out")
	assert.False(t, s.Sends(5, sink.Rejected), "likewise")

	rows = append(rows[:1:1], rows[3:]...)
	_, _, _, err = applied(t, again, written(rows))
	require.ErrorContains(t, err, "all of its rows have succeeded or have other values now")
	rows[1][1] = "1"
	_, _, _, err = applied(t, again, written(rows))
	require.ErrorContains(t, err, "row 1 does not have the mark of this row", "a success is not what it is taken for")

	rows = sheetOf(t, ours, objects)
	set(rows, "2", "customerEmail", "bob@example.com")
	set(rows, "3", "customerMobileNumber", "+9715")
	again = strings.NewReplacer(`"errorCode":"wrong_type"`, `"errorCode":"other"`, `"firstName":"Bob"`, `"firstName":"Rob"`).Replace(objects)
	got, changes, _, err = applied(t, again, written(rows))
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(again, `"customerMobileNumber":9715`, `"customerMobileNumber":"+9715"`, 1), got)
	assert.Equal(t, []int64{2}, changes.Corrected)
}
