package fixes

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"

	"bulkonboard/sink"
	"bulkonboard/source"
)

// memory is a scratch file.
type memory struct{ bytes.Buffer }

func (m *memory) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(m.Bytes()).ReadAt(b, at)
}

const results = "customerType,customerEmail,firstName,lastName,note,onboardingStatus,sessionId,errorCode,errorMessage,attempts,processedAt\n" +
	"Individual,ann@example.com,Ann,Lee,,ok,s-1,,,1,2026-01-31T02:00:00.000Z\n" +
	"Individual,bob@example,Bob,Ray,\"two\nlines\",invalid,,invalid_customer_email,no address,0,2026-01-31T02:00:00.000Z\n" +
	"Individual,cid@example.com,Cid,Fox,\"a;b\tc|d \"\"e\"\"\",rejected,,invalid_customer_details,No,1,2026-01-31T02:00:00.000Z\n" +
	"\"Individual,dan\",,,,,invalid,,wrong_field_count,the row has 2 fields,0,2026-01-31T02:00:00.000Z\n" +
	"Individual,eve@example.com,Éve,Moe,,failed,,timeout,,8,2026-01-31T02:00:00.000Z\n"

const objects = `{"customerType":"Individual","customerEmail":"ann@example.com","individual":{"firstName":"Ann","lastName":"Lee"},"onboarding":{"onboardingStatus":"ok","sessionId":"s-1","errorCode":"","errorMessage":"","attempts":1,"processedAt":"2026-01-31T02:00:00.000Z"}}
{"customerType":"Individual","customerEmail":"bob","individual":{"firstName":"Bob"},"age":1.50,"vip":true,"tags":["a"],"onboarding":{"onboardingStatus":"invalid","sessionId":"","errorCode":"invalid_customer_email","errorMessage":"x","attempts":0,"processedAt":"2026-01-31T02:00:00.000Z"}}
{"customerType":"Individual","customerEmail":"cid@example.com","customerMobileNumber":9715,"individual":{"firstName":"Cid","lastName":null},"a.b":{"c":"x"},"onboarding":{"onboardingStatus":"invalid","sessionId":"","errorCode":"wrong_type","errorMessage":"x","attempts":0,"processedAt":"2026-01-31T02:00:00.000Z"}}
{"input":"{\"customerType\":","onboarding":{"onboardingStatus":"invalid","sessionId":"","errorCode":"malformed_json","errorMessage":"x","attempts":0,"processedAt":"2026-01-31T02:00:00.000Z"}}
`

var ours = Results{Run: "20260131T020000Z-run", SHA256: "12ab"}

func listOf(t *testing.T, text string) *source.List {
	list, err := source.Open(strings.NewReader(text), source.Options{Name: "out", Results: true})
	require.NoError(t, err)
	return list
}

func tableOf(t *testing.T, text string) Table {
	list := listOf(t, text)
	if list.Format() == source.FormatJSONL {
		table, err := NewJSONL(list, list.Records())
		require.NoError(t, err)
		return table
	}
	table, err := NewCSV(list)
	require.NoError(t, err)
	return table
}

// sheetOf is the sheet of results, as cells.
func sheetOf(t *testing.T, of Results, text string) [][]string {
	var sheet bytes.Buffer
	table, list := tableOf(t, text), listOf(t, text)
	w, err := NewWriter(&sheet, of, table, list)
	require.NoError(t, err)
	for rec, err := range list.Records() {
		require.NoError(t, err)
		if needed(table, rec) {
			require.NoError(t, w.Write(rec))
		}
	}
	require.NoError(t, w.Close())
	text, marked := strings.CutPrefix(sheet.String(), byteOrderMark)
	require.True(t, marked)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, w.Rows, int64(len(rows)-1))
	return rows
}

func written(rows [][]string) string {
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(rows)
	return b.String()
}

// section is a sheet as it is read from a file.
func section(text string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
}

// applied are results with a sheet applied.
func applied(t *testing.T, text, sheet string) (string, *Changes, *Sheet, error) {
	table := tableOf(t, text)
	s, err := Read(section(sheet), "fixes.csv", ours, table, false, new(memory))
	if err != nil {
		return "", nil, nil, err
	}
	var out bytes.Buffer
	changes, err := s.Apply(&out, listOf(t, text), table)
	return out.String(), changes, s, err
}

// set changes values of the sheet's row with a number.
func set(rows [][]string, number, column, value string) {
	for _, row := range rows[1:] {
		if row[1] == number {
			row[slices.Index(rows[0], column)] = value
		}
	}
}

func TestASheetHasTheRowsThatNeedAttentionAndWhy(t *testing.T) {
	rows := sheetOf(t, ours, results)
	assert.Equal(t, []string{"fixMark", "fixRow", "fixProblems", "customerType", "customerEmail", "firstName", "lastName", "note"}, rows[0])
	require.Len(t, rows, 5)
	marks := map[string]bool{}
	for _, row := range rows[1:] {
		assert.Regexp(t, `^fix-[0-9a-v]{5}-[0-9a-v]{16}$`, row[0])
		marks[row[0]] = true
	}
	assert.Len(t, marks, 4)
	assert.Equal(t, []string{"2", "invalid: no address", "Individual", "bob@example", "Bob", "Ray", "two\nlines"}, rows[1][1:])
	assert.Equal(t, []string{"4", "invalid: the row has 2 fields", "Individual,dan", "", "", "", ""}, rows[3][1:])
	assert.Equal(t, "failed: timeout", rows[4][2])
}

func TestASheetComesBackFromAnyEditor(t *testing.T) {
	rows := sheetOf(t, ours, results)
	set(rows, "2", "customerEmail", "bob@example.com")
	set(rows, "5", "firstName", "Eva")
	// In another order, of rows and of columns, with one row left out and a
	// column that tells nothing.
	order := []int{6, 4, 1, 7, 0, 3, 5}
	var shuffled [][]string
	for _, i := range []int{0, 4, 1, 2} {
		var row []string
		for _, column := range order {
			row = append(row, rows[i][column])
		}
		shuffled = append(shuffled, row)
	}
	semicolons := func(comma rune) string {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma, w.UseCRLF = comma, true
		require.NoError(t, w.WriteAll(shuffled))
		return b.String()
	}
	wide := func(e unicode.Endianness) string {
		text, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().String(semicolons('\t'))
		require.NoError(t, err)
		return text
	}
	want := strings.Replace(strings.Replace(results, "bob@example,", "bob@example.com,", 1), "Éve", "Eva", 1)
	for name, sheet := range map[string]string{
		"as it was":                 written(shuffled),
		"a byte order mark, twice":  byteOrderMark + byteOrderMark + written(shuffled),
		"semicolons and CRLF":       semicolons(';'),
		"bars":                      byteOrderMark + semicolons('|'),
		"UTF-16, as Excel saves it": wide(unicode.LittleEndian),
		"UTF-16 of the other order": wide(unicode.BigEndian),
		"with a line for Excel":     byteOrderMark + "\"sep=;\"\r\n" + semicolons(';'),
		"lines that end with CR":    strings.ReplaceAll(semicolons(';'), "\r\n", "\r"),
		"empty rows at the end":     written(append(slices.Clone(shuffled), make([]string, 7), make([]string, 7))),
	} {
		t.Run(name, func(t *testing.T) {
			got, changes, s, err := applied(t, results, sheet)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.Equal(t, &Changes{Rows: 3, Changed: 2, Columns: []ColumnChanges{{"customerEmail", 1}, {"firstName", 1}}}, changes)
			assert.True(t, s.Sends(2, sink.Invalid), "corrected")
			assert.True(t, s.Sends(3, sink.Rejected), "in the sheet, as it was")
			assert.False(t, s.Sends(4, sink.Invalid), "left out")
			assert.True(t, s.Sends(5, sink.Failed))
			assert.True(t, s.Sends(9, sink.Failed), "left out, and nothing to correct")
			assert.False(t, s.Sends(9, sink.Rejected), "left out")
		})
	}
}

func TestASlipInASheetIsRefused(t *testing.T) {
	other := sheetOf(t, Results{Run: "another", SHA256: "12ab"}, results)
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

func TestAColumnThatIsLeftOutKeepsItsValues(t *testing.T) {
	rows := sheetOf(t, ours, results)
	for i := range rows {
		rows[i] = rows[i][:5]
	}
	set(rows, "3", "customerEmail", "sid@example.com")
	got, changes, _, err := applied(t, results, written(rows))
	require.NoError(t, err)
	assert.EqualValues(t, 1, changes.Changed)
	assert.Equal(t, strings.Replace(results, "cid@example.com", "sid@example.com", 1), got)
}

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

func TestAListWithTheColumnsOfASheetHasNone(t *testing.T) {
	text := strings.Replace(results, "note", "FixRow", 1)
	_, err := NewWriter(io.Discard, ours, tableOf(t, text), listOf(t, text))
	require.ErrorContains(t, err, `the list has a column "FixRow"`)
}

// FuzzASheetGivesItsRowsBackOrIsRefused has any bytes for a sheet: no result of
// a row that succeeded is ever changed, and nothing panics.
func FuzzASheetGivesItsRowsBackOrIsRefused(f *testing.F) {
	t := new(testing.T)
	f.Add(written(sheetOf(t, ours, results)))
	f.Add(strings.ReplaceAll(written(sheetOf(t, ours, results)), ",", ";"))
	f.Add("\xff\xfef\x00i\x00x\x00M\x00a\x00r\x00k\x00")
	f.Fuzz(func(t *testing.T, sheet string) {
		got, changes, _, err := applied(t, results, sheet)
		if err != nil {
			return
		}
		var rows int64
		want := listOf(t, results)
		before := map[int64]string{}
		for rec, err := range want.Records() {
			require.NoError(t, err)
			before[rec.Row] = string(rec.Raw)
		}
		for rec, err := range listOf(t, got).Records() {
			require.NoError(t, err)
			rows++
			if rec.Row == 1 {
				require.Equal(t, before[1], string(rec.Raw))
			}
		}
		require.Equal(t, int64(len(before)), rows, fmt.Sprint(changes))
	})
}

// FuzzAnObjectKeepsAllButTheValueThatIsChanged puts any value in any object.
func FuzzAnObjectKeepsAllButTheValueThatIsChanged(f *testing.F) {
	f.Add(`{"a":{"b":1,"c":[2]},"d":"x"}`, "a.b", "7")
	f.Add(`{ }`, "a.b", "\x00\"")
	f.Add(`{"a\\.b":null}`, `a\\\.b`, "x")
	f.Fuzz(func(t *testing.T, text, path, value string) {
		tree, err := treeOf(text)
		if err != nil || !utf8.ValidString(text) || !utf8.ValidString(path) || !utf8.ValidString(value) || path == sink.Member || strings.HasPrefix(path, sink.Member+".") {
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
