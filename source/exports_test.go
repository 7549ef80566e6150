package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noticed gives the lines of a notice, and whether there is one.
func noticed(l *List, code string) (lines []int64, found bool) {
	for _, n := range l.Notices() {
		if n.Code == code {
			return n.Lines, true
		}
	}
	return nil, false
}

func TestColumnsWithoutANameBehindTheOthersAreLeftOut(t *testing.T) {
	for _, delimiter := range []string{",", ";", "\t", "|"} {
		text := strings.ReplaceAll("customerType,customerEmail,firstName,lastName,, \nIndividual,a@example.com,A,B,,\n\"Individual\",b@example.com,A,B,\"\", \nIndividual,c@example.com,A,B,x,\nIndividual,d@example.com,A,B\n", ",", delimiter)
		l, recs := readAll(t, text)
		assert.Equal(t, []string{"customerType", "customerEmail", "firstName", "lastName"}, l.Header())
		require.Len(t, recs, 4)
		for i := range 2 {
			assert.Empty(t, recs[i].Problems)
			assert.Len(t, recs[i].Cells, 4)
		}
		assert.Equal(t, strings.ReplaceAll("Individual,a@example.com,A,B", ",", delimiter), string(recs[0].Raw[:recs[0].Plain]))
		assert.Zero(t, recs[1].Plain)
		for i := 2; i < 4; i++ {
			assert.Equal(t, []string{"wrong_field_count"}, codes(recs[i]), "a value outside, or too few cells, may be a shift")
			assert.Equal(t, string(recs[i].Raw), recs[i].Text+"\n")
		}
		_, found := noticed(l, "unnamed_columns")
		assert.True(t, found)
	}
}

func TestRowsOfNothingButDelimitersAreNoRows(t *testing.T) {
	l, recs := readAll(t, ",,,\n"+header+",,,\nIndividual,a@example.com,A,B\n,,\n , ,\t,\n\nIndividual,b@example.com,A,B\n,,,")
	require.Len(t, recs, 2)
	assert.Equal(t, []int64{1, 2}, []int64{recs[0].Row, recs[1].Row})
	assert.Equal(t, []int64{4, 8}, []int64{recs[0].Line, recs[1].Line})
	lines, _ := noticed(l, "empty_rows")
	assert.Equal(t, []int64{3, 5, 6, 9}, lines)

	_, recs = readAll(t, header+"\"\",,,\n")
	require.Len(t, recs, 1, "what is quoted was written as a value")
}

func TestABlankBeforeQuotesIsReadWhenTheWholeListHasIt(t *testing.T) {
	spaced := strings.ReplaceAll(header, ",", ", ")
	l, recs := readAll(t, spaced+"Individual, \"a@example.com\", \"A, B\",  \"C\"\nIndividual,b@example.com,A,B\n")
	require.Len(t, recs, 2)
	assert.Empty(t, recs[0].Problems)
	assert.Equal(t, []string{"Individual", "a@example.com", "A, B", "C"}, recs[0].Cells)
	_, found := noticed(l, "spaced_quotes")
	assert.True(t, found)
	_, recs = readAll(t, "\"customerType\", \"customerEmail\", \"firstName\", \"lastName\"\n\"Individual\", \"a@example.com\", \"A\", \"B\"\n")
	assert.Empty(t, recs[0].Problems)

	_, recs = readAll(t, header+"Individual, \"a@example.com\",A,B\nIndividual,\"b@example.com\",A,B\n")
	assert.Equal(t, []string{"malformed_row"}, codes(recs[0]), "where only some have it, it may be part of a value")
	assert.Empty(t, recs[1].Problems)
}

func TestALineInsideQuotesThatReadsAsARowIsSaidAndNeverSent(t *testing.T) {
	columns := "note," + header
	inner := "x,Individual,evil@example.com,C,D\n"
	good := "\"call\n" + inner + "later\",Individual,a@example.com,A,B\n"
	l, recs := readAll(t, columns+good+"x,Individual,b@example.com,A,B\n")
	require.Len(t, recs, 2)
	assert.Empty(t, recs[0].Problems)
	lines, _ := noticed(l, "row_inside_quotes")
	assert.Equal(t, []int64{2}, lines)

	short := "\"call\n" + inner + "later\",Individual,a@example.com,A\n"
	_, recs = readAll(t, columns+short+"x,Individual,b@example.com,A,B\n")
	require.Len(t, recs, 2, "one bad record, and the good one behind it")
	assert.Equal(t, []string{"wrong_field_count"}, codes(recs[0]))
	assert.Equal(t, short, string(recs[0].Raw))
	assert.Empty(t, recs[1].Problems)

	harmless := "\"call\nhim\nlater\",Individual,a@example.com,A\n"
	_, recs = readAll(t, columns+harmless+"x,Individual,b@example.com,A,B\n")
	assert.Len(t, recs, 4, "where nothing would be sent, each line is a bad record of its own")
}

func TestALongListWithOddRowsReadsTheSameInParts(t *testing.T) {
	var b strings.Builder
	b.WriteString("customerType, customerEmail, firstName, lastName, , \n")
	for i := range 500 {
		fmt.Fprintf(&b, "Individual, \"c%d@example.com\",A,B,,\n", i)
		if i%7 == 0 {
			b.WriteString(",,,,,\n")
		}
	}
	l, whole := readAll(t, b.String())
	at := whole[249].Next
	part := Options{Format: FormatCSV, Delimiter: ',', Part: &Part{Begins: at, LineEnd: "\n"}}
	rest, err := Open(strings.NewReader(string(l.HeaderRaw())+b.String()[at.Offset:]), part)
	require.NoError(t, err)
	read := slices.Collect(func(yield func(*Record) bool) {
		for rec, err := range rest.Records() {
			require.NoError(t, err)
			if !yield(rec) {
				return
			}
		}
	})
	require.Len(t, read, 250)
	for i, rec := range read {
		assert.Equal(t, whole[250+i].Cells, rec.Cells)
		assert.Equal(t, whole[250+i].Line, rec.Line)
	}
}

func TestWhatIsNoListGetsAHintThatSaysWhatItIs(t *testing.T) {
	object := `{"customerType":"Individual","customerEmail":"a@example.com","firstName":"A","lastName":"B"}`
	for _, c := range []struct{ name, text, reason, hint string }{
		{"a title", "Customers of June\n\n" + header + "Individual,a@example.com,A,B\n", "the header is in line 3", "tail -n +3"},
		{"titles with cells", "Report;2026-06-01;\nby;Ann;\ncustomerType;customerEmail;firstName;lastName\n", "the header is in line 3", "tail -n +3"},
		{"names between apostrophes", "'customerEmail','firstName','lastName'\n'a@example.com','A','B'\n", "stand between apostrophes", `double quotation marks (")`},
		{"names separated by colons", "\"customerEmail\":\"firstName\":\"lastName\"\n", `separated by ":"`, "export the list again"},
		{"a page for a browser", "<!DOCTYPE html>\n<table><tr><td>customerEmail</td></tr></table>\n", "a web page", "as an Excel workbook (.xlsx)"},
		{"a workbook in XML", "<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>\n", "an XML document", "as an Excel workbook (.xlsx)"},
		{"two byte order marks", utf8Mark + utf8Mark + header, "two byte order marks", "tail -c +4"},
		{"a comment", "// made by an export\n" + object + "\n", "begins with a comment", "grep -v"},
		{"a comment of a script", "# customers\n" + object + "\n", "begins with a comment", "grep -v"},
		{"record separators", "\x1e" + object + "\n\x1e" + object + "\n", "record separator", "tr -d"},
		{"JSON over several lines", "{\n  \"customerEmail\": \"a@example.com\"\n}\n", "over several lines", "jq -c ."},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := openRefused(t, c.text, Options{})
			assert.Contains(t, wrong.Reason, c.reason)
			assert.Contains(t, wrong.Hint, c.hint)
		})
	}
	_, recs := readAll(t, object+"\n// a comment\n\x1e"+object+"\n{\n")
	for i, says := range map[int]string{1: "is a comment", 2: "record separator", 3: "jq -c ."} {
		assert.Contains(t, recs[i].Problems[0].Message, says)
	}
}

func TestEncodingsAreKnownByTheNamesThatPeopleUse(t *testing.T) {
	for name, want := range map[string]string{
		"ansi": "windows-1252", "ANSI": "windows-1252", "utf-8-sig": "UTF-8", "UTF-8-SIG": "UTF-8", "utf8-bom": "UTF-8", "latin1": "iso-8859-1", "Latin-1": "iso-8859-1",
		"latin5": "iso-8859-9", "latin-9": "iso-8859-15", "cp857": "cp857", "CP857": "cp857", "ibm857": "cp857", "win1252": "windows-1252", "Windows 1254": "windows-1254",
		"iso8859-1": "iso-8859-1", "ISO_8859-15": "iso-8859-15", "cp65001": "UTF-8", "mac-roman": "macintosh",
	} {
		l, err := Open(strings.NewReader(header), Options{Encoding: name})
		require.NoError(t, err, name)
		assert.Equal(t, want, l.Encoding(), name)
		_, found := noticed(l, "ansi")
		assert.Equal(t, strings.EqualFold(name, "ansi"), found)
	}
	l, err := Open(strings.NewReader(header+"Individual,a@example.com,\x98i\x9eman,\xa6\x81z\xd5\n"), Options{Encoding: "cp857"})
	require.NoError(t, err)
	assert.Equal(t, []string{"invalid_encoding"}, codes(collect(t, l)[0]), "a byte that the code page does not have")
	l, err = Open(strings.NewReader(header+"Individual,a@example.com,\x98i\x9fman,\xa6\x81z\n"), Options{Encoding: "cp857"})
	require.NoError(t, err)
	assert.Equal(t, Customer{Type: "Individual", Email: "a@example.com", FirstName: "İişman", LastName: "Ğüz"}, collect(t, l)[0].Customer)
}
