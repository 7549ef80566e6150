package fixes

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/sink"
)

// earlierSheetOf is the sheet of results as an earlier version made it, which gave
// its rows these marks.
func earlierSheetOf(t *testing.T, text string, marks ...string) [][]string {
	rows := sheetOf(t, ours, text)
	require.Len(t, rows, 1+len(marks))
	for i, mark := range marks {
		rows[i+1][0] = "fix-ktdu2-" + mark
	}
	return rows
}

func earlierSheet(t *testing.T) [][]string {
	return earlierSheetOf(t, results, "88c4knuk975jg1ps", "1qho0qoknoj7cufn", "vc9112cablqq7c0e", "71hfrrcc09frl06b")
}

func TestASheetOfAnEarlierVersionIsGoodForTheResultsThatItWasMadeOf(t *testing.T) {
	rows := earlierSheet(t)
	set(rows, "2", "customerEmail", "bob@example.com")
	set(rows, "5", "firstName", "Eva")
	got, changes, s, err := applied(t, results, written(rows))
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(strings.Replace(results, "bob@example,", "bob@example.com,", 1), "Éve", "Eva", 1), got)
	assert.Equal(t, &Changes{Rows: 4, Changed: 2, Columns: []ColumnChanges{{"customerEmail", 1}, {"firstName", 1}}}, changes)
	assert.True(t, s.Sends(2, sink.Invalid))
	assert.False(t, s.Sends(4, sink.Invalid), "as it was")

	rows = earlierSheetOf(t, objects, "j2je1so55m6gu3dp", "cug14nut04ckuj5i", "outdnilabp521egk")
	set(rows, "2", "customerEmail", "bob@example.com")
	got, _, _, err = applied(t, objects, written(rows))
	require.NoError(t, err)
	want := strings.Replace(objects, `"bob"`, `"bob@example.com"`, 1)
	assert.Equal(t, want, got)
}

func TestASheetOfAnEarlierVersionIsRefusedForAnyOtherResults(t *testing.T) {
	were := ours
	defer func() { ours = were }()
	refused := func(rows [][]string, text, want string) {
		t.Helper()
		_, _, _, err := applied(t, text, written(rows))
		require.ErrorContains(t, err, want)
	}
	rows := earlierSheet(t)
	rows[1][1], rows[2][1] = rows[2][1], rows[1][1]
	refused(rows, results, "does not have the mark of this row")
	refused(earlierSheet(t), strings.Replace(results, "bob@", "rob@", 1), "row 2 does not have the mark of this row")
	for _, of := range []Results{
		{Run: were.Run, LastRun: were.LastRun, SHA256: "34cd"},                  // after a retry to the same place
		{Run: were.Run, LastRun: "20260201T020000Z-retry", SHA256: were.SHA256}, // by which name ever
		{Run: were.LastRun, LastRun: "20260201T020000Z-retry", SHA256: "34cd"},  // likewise, by this version
		{Run: "20260201T020000Z-run", LastRun: "20260201T020000Z-run", SHA256: "34cd"},
	} {
		ours = of
		refused(earlierSheet(t), results, "has a mark of other results")
	}
	ours = were
	ours.Run = "20260201T020000Z-run" // what it was retried from does not matter
	_, _, _, err := applied(t, results, written(earlierSheet(t)))
	require.NoError(t, err)
}
