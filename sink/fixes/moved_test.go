package fixes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

// persons are results of which all rows were rejected.
func persons() string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,firstName,lastName,branch,onboardingStatus,sessionId,errorCode,errorMessage,attempts,processedAt\n")
	for i, name := range []string{"Ann,Lee", "Bob,Ray", "Cid,Fox", "Dan,Lee", "Eve,Moe"} {
		email := fmt.Sprintf("c%d@example.com", i+1)
		if i == 4 {
			email = ""
		}
		fmt.Fprintf(&b, "Individual,%s,%s,branch %d,rejected,,refused,No,1,2026-01-31T02:00:00.000Z\n", email, name, i+1)
	}
	return b.String()
}

// rotate gives each row the cells of some columns that the next row had.
func rotate(rows [][]string, columns ...string) {
	for _, column := range columns {
		i := slices.Index(rows[0], column)
		first := rows[1][i]
		for n := range rows[1 : len(rows)-1] {
			rows[n+1][i] = rows[n+2][i]
		}
		rows[len(rows)-1][i] = first
	}
}

func TestValuesThatWereSortedApartFromTheirRowsAreNoticed(t *testing.T) {
	correctAll := func(rows [][]string) {
		for i := range rows[1:] {
			set(rows, fmt.Sprint(i+1), "customerEmail", fmt.Sprintf("right%d@example.com", i+1))
		}
	}
	for _, c := range []struct {
		name string
		edit func(rows [][]string)
		want string
	}{
		{"mark and number alone", func(r [][]string) { rotate(r, markColumn, rowColumn) }, `in column "customerEmail", row`},
		{"mark and number alone, after all addresses were corrected", func(r [][]string) {
			correctAll(r)
			rotate(r, markColumn, rowColumn)
		}, `in column "firstName", row`},
		{"mark and number of two rows", func(r [][]string) {
			r[1][0], r[1][1], r[2][0], r[2][1] = r[2][0], r[2][1], r[1][0], r[1][1]
		}, `line 3: in column "customerEmail", row 1 has what row 2 had, and row 2 has something else now; 2 values of this column have moved like this`},
		{"one column", func(r [][]string) { rotate(r, "customerEmail") }, `in column "customerEmail", row 1 has what row 2 had`},
		{"the column of a name", func(r [][]string) { rotate(r, "firstName") }, `in column "firstName", row 1 has what row 2 had`},
		{"cells moved up", func(r [][]string) {
			set(r, "2", "customerEmail", "c3@example.com")
			set(r, "3", "customerEmail", "c4@example.com")
			set(r, "4", "customerEmail", "")
		}, `in column "customerEmail", row 2 has what row 3 had`},
		{"a cell moved to a row that had none", func(r [][]string) {
			set(r, "5", "customerEmail", "c1@example.com")
			set(r, "1", "customerEmail", "")
		}, `in column "customerEmail", row 5 has what row 1 had`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := sheetOf(t, ours, persons())
			c.edit(rows)
			_, changes, _, err := applied(t, persons(), written(rows))
			require.NoError(t, err)
			var wrong *source.ListError
			require.ErrorAs(t, changes.Moved, &wrong)
			assert.Contains(t, wrong.Error(), c.want)
			assert.Contains(t, wrong.Hint, "nothing was sent")
		})
	}
}

func TestCorrectionsThatOnlyLookLikeMovedValuesAreTaken(t *testing.T) {
	for name, edit := range map[string]func(rows [][]string){
		"whole rows sorted": func(r [][]string) { slices.Reverse(r[1:]) },
		"columns sorted":    func(r [][]string) { rotate(r, "branch"); rotate(r, "customerType") },
		"the neighbor's address": func(r [][]string) {
			set(r, "1", "customerEmail", "c2@example.com")
			set(r, "2", "customerEmail", "bob@example.com")
		},
		"the address of a row that keeps it": func(r [][]string) {
			set(r, "1", "customerEmail", "c3@example.com")
			set(r, "2", "customerEmail", "c3@example.com")
		},
		"a name that two had": func(r [][]string) {
			set(r, "1", "lastName", "Poe")
			set(r, "4", "lastName", "Poe")
			set(r, "2", "lastName", "Lee")
			set(r, "3", "lastName", "Lee")
		},
		"all addresses": func(r [][]string) {
			for i := range r[1:] {
				set(r, fmt.Sprint(i+1), "customerEmail", fmt.Sprintf("right%d@example.com", i+1))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			rows := sheetOf(t, ours, persons())
			edit(rows)
			_, changes, _, err := applied(t, persons(), written(rows))
			require.NoError(t, err)
			assert.NoError(t, changes.Moved)
		})
	}
}

// TestValuesThatAreMeantToBeExchangedGoInSheetsOfTheirOwn as the message says.
func TestValuesThatAreMeantToBeExchangedGoInSheetsOfTheirOwn(t *testing.T) {
	rows := sheetOf(t, ours, persons())
	set(rows, "1", "customerEmail", "c2@example.com")
	set(rows, "2", "customerEmail", "c1@example.com")
	_, changes, _, err := applied(t, persons(), written(rows))
	require.NoError(t, err)
	require.Error(t, changes.Moved)
	half, changes, _, err := applied(t, persons(), written(rows[:2]))
	require.NoError(t, err)
	require.NoError(t, changes.Moved)
	whole, changes, _, err := applied(t, half, written([][]string{rows[0], rows[2]}))
	require.NoError(t, err)
	require.NoError(t, changes.Moved)
	assert.Equal(t, strings.NewReplacer("c1@example.com", "c2@example.com", "c2@example.com", "c1@example.com").Replace(persons()), whole)
}
