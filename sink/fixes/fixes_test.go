package fixes

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

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

var ours = Results{Run: "20260130T020000Z-run", LastRun: "20260131T020000Z-run", SHA256: "12ab"}

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
