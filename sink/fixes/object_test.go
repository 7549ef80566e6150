package fixes

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/source"
)

func TestAnObjectIsCorrectedWhereItsValuesStand(t *testing.T) {
	rows := sheetOf(t, ours, objects)
	assert.Equal(t, []string{
		"fixMark", "fixRow", "fixProblems", "customerType", "customerEmail", "individual.firstName", "age", "vip",
		"customerMobileNumber", "individual.lastName", `a\.b.c`, "input",
	}, rows[0])
	require.Len(t, rows, 4)
	assert.Equal(t, []string{"Individual", "bob", "Bob", "1.50", "true", "", "", "", ""}, rows[1][3:])
	same, _, _, err := applied(t, objects, written(rows))
	require.NoError(t, err)
	assert.Equal(t, strings.SplitAfter(objects, "\n"), strings.SplitAfter(same, "\n"))

	set(rows, "2", "customerEmail", "bob@example.com")
	set(rows, "2", "individual.lastName", `Ray "R"`)
	set(rows, "2", "age", "2")
	set(rows, "2", "vip", "no")
	set(rows, "2", `a\.b.c`, "new")
	set(rows, "3", "customerMobileNumber", "+9715")
	set(rows, "3", "individual.lastName", "Fox")
	set(rows, "4", "input", `{"customerType":"Individual","customerEmail":"dan@example.com","firstName":"Dan"}`)
	set(rows, "4", "individual.lastName", "Kim")
	got, changes, _, err := applied(t, objects, written(rows))
	require.NoError(t, err)
	assert.EqualValues(t, 3, changes.Changed)
	lines := strings.SplitAfter(got, "\n")
	before := strings.SplitAfter(objects, "\n")
	assert.Equal(t, before[0], lines[0])
	assert.True(t, strings.HasPrefix(lines[1], `{"customerType":"Individual","customerEmail":"bob@example.com","individual":{"firstName":"Bob","lastName":"Ray \"R\""},"age":2,"vip":"no","tags":["a"],"a.b":{"c":"new"},"onboarding":{"onboardingStatus":"invalid"`), lines[1])
	assert.True(t, strings.HasPrefix(lines[2], `{"customerType":"Individual","customerEmail":"cid@example.com","customerMobileNumber":"+9715","individual":{"firstName":"Cid","lastName":"Fox"},"a.b":{"c":"x"},"onboarding":`), lines[2])
	assert.True(t, strings.HasPrefix(lines[3], `{"customerType":"Individual","customerEmail":"dan@example.com","firstName":"Dan","individual":{"lastName":"Kim"},"onboarding":{"onboardingStatus":"invalid"`), lines[3])
	for rec, err := range listOf(t, got).Records() {
		require.NoError(t, err)
		assert.Empty(t, rec.Problems, rec.Text)
	}

	set(rows, "2", "individual.firstName", "")
	for _, c := range []struct{ path, text string }{{"tags", `{"tags":[1]}`}, {"a.b", `{"a":1}`}, {"a", `{"a":{}}`}} {
		tree, err := treeOf(c.text)
		require.NoError(t, err)
		_, err = tree.with(c.text, c.path, "x", false)
		require.ErrorIs(t, err, errNotScalar, c.path)
	}
}

// FuzzAnObjectKeepsAllButTheValueThatIsChanged puts any value in any object.
func FuzzAnObjectKeepsAllButTheValueThatIsChanged(f *testing.F) {
	f.Add(`{"a":{"b":1,"c":[2]},"d":"x"}`, "a.b", "7")
	f.Add(`{ }`, "a.b", "\x00\"")
	f.Add(`{"a\\.b":null}`, `a\\\.b`, "x")
	f.Fuzz(func(t *testing.T, text, path, value string) {
		tree, err := treeOf(text)
		if err != nil || !utf8.ValidString(text) || !utf8.ValidString(path) || !utf8.ValidString(value) || path == source.ResultMember || strings.HasPrefix(path, source.ResultMember+".") {
			return
		}
		changed, err := tree.with(text, path, value, true)
		if err != nil {
			return
		}
		after, err := treeOf(changed)
		require.NoError(t, err, changed)
		found := false
		for _, l := range after.leaves {
			found = found || slices.Equal(namesOf(l.path), namesOf(path)) && l.value == value
		}
		require.True(t, found, changed)
		require.GreaterOrEqual(t, len(after.leaves), len(tree.leaves))
	})
}
