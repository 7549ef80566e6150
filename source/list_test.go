package source

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const header = "customerType,customerEmail,firstName,lastName\n"

// readAll opens a list and reads all of its records.
func readAll(t testing.TB, text string) (*List, []*Record) {
	l, err := Open(strings.NewReader(text), Options{Name: "list"})
	require.NoError(t, err)
	return l, collect(t, l)
}

func collect(t testing.TB, l *List) []*Record {
	var recs []*Record
	for rec, err := range l.Records() {
		require.NoError(t, err)
		recs = append(recs, rec)
	}
	return recs
}

func codes(rec *Record) []string {
	var out []string
	for _, p := range rec.Problems {
		out = append(out, p.Code)
	}
	return out
}

func TestARowIsReadWithItsPlaceAndItsBytes(t *testing.T) {
	text := header + "Individual, ann@example.com ,Ann,\"Lee\n\"\"the\"\" boss\"\n\nIndividual,bob@example.com,Bob,Ray"
	l, recs := readAll(t, text)
	require.Len(t, recs, 2)
	assert.Equal(t, FormatCSV, l.Format())
	assert.Equal(t, header, string(l.HeaderRaw()))

	ann, bob := recs[0], recs[1]
	assert.Equal(t, []string{"control_character"}, codes(ann))
	assert.Equal(t, "ann@example.com", ann.Customer.Email)
	assert.Equal(t, "Lee\n\"the\" boss", ann.Customer.LastName)
	assert.Equal(t, []int64{1, 2, 46}, []int64{ann.Row, ann.Line, ann.Offset})
	assert.Empty(t, bob.Problems)
	assert.Equal(t, []int64{2, 5}, []int64{bob.Row, bob.Line})
	assert.Equal(t, "Individual,bob@example.com,Bob,Ray", string(bob.Raw))
	assert.Equal(t, text[bob.Offset:], string(bob.Raw))
	assert.EqualValues(t, len(text), bob.Next.Offset)
}

func TestHeadersAreComparedLeniently(t *testing.T) {
	l, recs := readAll(t, "Customer Type;CUSTOMER_EMAIL;Individual.First-Name;last name;Notes\nIndividual;a@example.com;A;B;x,y\n")
	require.Len(t, recs, 1)
	assert.Equal(t, ';', l.Delimiter())
	assert.Empty(t, recs[0].Problems)
	assert.Equal(t, []string{"Individual", "a@example.com", "A", "B", "x,y"}, recs[0].Cells)
	assert.Equal(t, `customerType="Customer Type" customerEmail="CUSTOMER_EMAIL" firstName="Individual.First-Name" lastName="last name"`, l.Mapping())
}

func TestWhatIsNoCustomerListIsRefusedWithTheReason(t *testing.T) {
	cases := []struct{ name, text, reason string }{
		{"empty", "", "empty"},
		{"blank", " \n\n", "empty"},
		{"a missing column", "customerType,firstName,lastName\n", "customerEmail"},
		{"no details", "customerType,customerEmail\n", "firstName and lastName, or"},
		{"a header twice", "customerType,customerEmail,customer_email,firstName,lastName\n", "are both customerEmail"},
		{"an unknown header twice", header[:len(header)-1] + ",note,Note\n", "are the same"},
		{"an empty header", "customerType,customerEmail,,firstName,lastName\n", "column 3 is empty"},
		{"no header", "Individual,ann@example.com,Ann,Lee\n", "looks like a customer"},
		{"a header with a broken quote", "customerType,\"customerEmail\n", "quotes"},
		{"a JSON array", "[{}]", "JSON array"},
		{"a workbook", "PK\x03\x04rest", "Excel"},
		{"UTF-16 without a mark", "c\x00u\x00s\x00t\x00\n\x00", "UTF-16 without"},
		{"UTF-32", "\xff\xfe\x00\x00c\x00\x00\x00", "UTF-32"},
		{"a header in another encoding", "customerType,\xe9mail\n", "not valid UTF-8"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(strings.NewReader(c.text), Options{Name: "list"})
			var wrong *ListError
			require.ErrorAs(t, err, &wrong)
			assert.Contains(t, err.Error(), c.reason)
			assert.NotEmpty(t, wrong.Hint)
		})
	}
}

func TestARowThatCannotBeReadIsItsOwnProblemOnly(t *testing.T) {
	const good = "Individual,a@example.com,A,B\n"
	cases := []struct{ name, row, code string }{
		{"short", "Individual,a@example.com,A\n", "wrong_field_count"},
		{"long", "Individual,a@example.com,A,B,C\n", "wrong_field_count"},
		{"a quote inside a cell", "Individual,a@example.com,A\"x,B\n", "malformed_row"},
		{"text after a closing quote", "Individual,a@example.com,\"A\"x,B\n", "malformed_row"},
		{"a quote that is not closed", "Individual,a@example.com,\"A,B\n", "malformed_row"},
		{"NUL", "Individual,a@example.com,A\x00,B\n", "nul_byte"},
		{"another encoding", "Individual,a@example.com,Ren\xe9,B\n", "invalid_encoding"},
		{"over 2 MiB", "Individual,a@example.com,A," + strings.Repeat("x", maxRecord) + "\n", "row_too_long"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, recs := readAll(t, header+good+c.row+good+good)
			require.Len(t, recs, 4)
			assert.Equal(t, []string{c.code}, codes(recs[1]))
			assert.True(t, recs[1].Malformed)
			assert.Equal(t, c.row, string(recs[1].Raw))
			for _, i := range []int{0, 2, 3} {
				assert.Empty(t, recs[i].Problems, "row %d", i+1)
			}
		})
	}
}

func TestStrayQuotesCostTheirOwnRecordsOnly(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	for i := 1; i <= 1000; i++ {
		first := fmt.Sprintf("F%d", i)
		if i == 3 || i == 700 {
			first = `"` + first
		}
		if i == 500 {
			first += `",x`
		}
		fmt.Fprintf(&b, "Individual,c%d@example.com,%s,L\n", i, first)
	}
	_, recs := readAll(t, b.String())
	require.Len(t, recs, 1000)
	for _, rec := range recs {
		bad := rec.Row == 3 || rec.Row == 500 || rec.Row == 700
		assert.Equal(t, bad, len(rec.Problems) > 0, "row %d", rec.Row)
	}
}

func TestACellOfAMebibyteIsRead(t *testing.T) {
	_, recs := readAll(t, "note,"+header+"\""+strings.Repeat("x\n", 500)+strings.Repeat("y", 1<<20)+"\",Individual,a@example.com,A,B\n")
	require.Len(t, recs, 1)
	assert.Empty(t, recs[0].Problems)
}

func TestLineEndsOfEveryKind(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		l, recs := readAll(t, strings.ReplaceAll(header+"Individual,a@example.com,A,B\n\nIndividual,b@example.com,C,D\n", "\n", end))
		assert.Equal(t, end, l.LineEnd())
		require.Len(t, recs, 2)
		assert.Empty(t, recs[1].Problems)
		assert.EqualValues(t, 4, recs[1].Line)
	}
}

func TestAByteOrderMarkAndCompressionAreSeenThrough(t *testing.T) {
	plain := []byte(utf8Mark + "\"customerType\"," + header[len("customerType,"):] + "Individual,a@example.com,A,B\n")
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, _ = g.Write(plain)
	require.NoError(t, g.Close())
	z, err := zstd.NewWriter(&zst)
	require.NoError(t, err)
	_, _ = z.Write(plain)
	require.NoError(t, z.Close())
	for _, b := range [][]byte{plain, gz.Bytes(), zst.Bytes()} {
		l, recs := readAll(t, string(b))
		assert.True(t, l.BOM())
		require.Len(t, recs, 1)
		assert.Empty(t, recs[0].Problems)
	}
}

func TestObjectsNestedFlatAndMixed(t *testing.T) {
	const head = `{"customerType":"Individual","customerEmail":"a@example.com",`
	cases := []struct {
		name, line string
		codes      []string
	}{
		{"nested", head + `"individual":{"firstName":"A","lastName":"B"},"x":{"y":[1]}}`, nil},
		{"flat, other names", `{"customer_type":"Individual","Customer Email":"a@example.com","firstName":"A","last-name":"B"}`, nil},
		{"mixed", head + `"firstName":"A","individual":{"lastName":"B"},"company":null}`, nil},
		{"an earlier result", head + `"firstName":"A","lastName":"B","onboarding":{"sessionId":"s"}}`, nil},
		{"sendEmail as a boolean", head + `"firstName":"A","lastName":"B","sendEmail":true}`, nil},
		{"a number", head + `"firstName":1,"lastName":"B"}`, []string{"wrong_type"}},
		{"an object for a string", head + `"firstName":{"a":1},"lastName":"B"}`, []string{"wrong_type"}},
		{"the same name twice", head + `"firstName":"A","firstName":"A","lastName":"B"}`, []string{"duplicate_member"}},
		{"the same field twice", head + `"firstName":"A","individual":{"firstName":"C","lastName":"B"}}`, []string{"duplicate_member"}},
		{"broken", head, []string{"malformed_json"}},
		{"an array", `[1]`, []string{"not_an_object"}},
		{"two objects", `{} {}`, []string{"malformed_json"}},
		{"text behind", head + `"firstName":"A","lastName":"B"} x`, []string{"malformed_json"}},
		{"too long", head + `"firstName":"` + strings.Repeat("x", maxObject) + `"}`, []string{"line_too_long"}},
		{"another encoding", "{\"a\":\"\xe9\"}", []string{"invalid_encoding"}},
		{"an empty object", "{}", []string{"missing_customer_type", "missing_details", "missing_customer_email"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			good := head + `"firstName":"A","lastName":"B"}` + "\r\n"
			_, recs := readAll(t, good+c.line+"\n\n"+good)
			require.Len(t, recs, 3)
			assert.Equal(t, c.codes, codes(recs[1]))
			assert.Empty(t, recs[2].Problems)
			assert.EqualValues(t, 4, recs[2].Line)
		})
	}
}

func TestReadingGoesOnFromAnyPositionAndNoticesChanges(t *testing.T) {
	text := header + "Individual,a@example.com,A,\"B\nB\"\n\nIndividual,b,C\nIndividual,c@example.com,C,D"
	_, all := readAll(t, text)
	open := func(text string) *List {
		l, err := Open(strings.NewReader(text), Options{})
		require.NoError(t, err)
		return l
	}
	for i, rec := range all {
		var rest []*Record
		for r, err := range open(text).RecordsFrom(rec.Next) {
			require.NoError(t, err)
			rest = append(rest, r)
		}
		assert.Equal(t, all[i+1:], append([]*Record{}, rest...))

		changed := func(text string) bool {
			for _, err := range open(text).RecordsFrom(rec.Next) {
				var c *ChangedError
				return errors.As(err, &c)
			}
			return false
		}
		assert.True(t, changed(strings.Replace(text, "a@example", "z@example", 1)), "a changed byte")
		assert.True(t, changed(text[:rec.Next.Offset-1]), "a shorter list")
		assert.Equal(t, i == len(all)-1, changed(text[:rec.Next.Offset]+"X"), "only the last row can be made longer")
		assert.False(t, changed(text+"\nIndividual,d@example.com,D,E\n"), "a list that grew")
	}
}

func TestAReadErrorComesLast(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(header+"Individual,a@example.com,A,B\nIndiv"), iotest.ErrReader(errors.New("the disk is gone")))
	l, err := Open(broken, Options{Name: "list"})
	require.NoError(t, err)
	var rows int
	var last error
	for _, err := range l.Records() {
		if err != nil {
			last = err
			continue
		}
		rows++
	}
	var read *ReadError
	require.ErrorAs(t, last, &read)
	assert.Equal(t, 1, rows, "half a row is not a row")
}

func TestCellsAreThoseOfTheStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var cells []string
		for range 1 + r.IntN(5) {
			cell := make([]byte, r.IntN(6))
			for i := range cell {
				cell[i] = "ab,\"\n "[r.IntN(6)]
			}
			cells = append(cells, string(cell))
		}
		var b strings.Builder
		w := csv.NewWriter(&b)
		require.NoError(t, w.Write(cells))
		w.Flush()
		got, state, _ := cutCells(nil, strings.TrimSuffix(b.String(), "\n"), ',', false)
		assert.Equal(t, cutWhole, state)
		assert.Equal(t, cells, got)
	}
}

func TestRecordsThatAreLentOrDecodedLaterAreTheSame(t *testing.T) {
	lists := map[string]string{
		"CSV":   "customerType,customerEmail,firstName,lastName\nIndividual,a@example.com,Ann,\"Lee\nor \"\"so\"\"\"\nIndividual,b@example.com,\"Bo,Roy\n\nIndividual,c@example.com,Cy\nIndividual,d@example.com,Di,Ray\n\n",
		"JSONL": `{"customerType":"Individual","customerEmail":"a@example.com","individual":{"firstName":"A","lastName":"B"}}` + "\n\nbroken\n" + `{"customerType":"Individual"}`,
	}
	for name, text := range lists {
		t.Run(name, func(t *testing.T) {
			given, err := Open(strings.NewReader(text), Options{})
			require.NoError(t, err)
			var want []Record
			for rec, err := range given.Records() {
				require.NoError(t, err)
				want = append(want, *rec)
			}
			lent, err := Open(strings.NewReader(text), Options{})
			require.NoError(t, err)
			n := 0
			for rec, err := range lent.Lent() {
				require.NoError(t, err)
				assert.Equal(t, want[n], *rec)
				n++
			}
			assert.Len(t, want, n)
			assert.Greater(t, n, 2)

			later, err := Open(strings.NewReader(text), Options{})
			require.NoError(t, err)
			later.DecodeLater()
			n, undecoded := 0, 0
			for rec, err := range later.Records() {
				require.NoError(t, err)
				if rec.Customer == (Customer{}) && len(rec.Problems) == 0 {
					undecoded++
				}
				for range 2 {
					rec.Decode()
				}
				rec.body = 0
				assert.Equal(t, want[n], *rec)
				n++
			}
			assert.Len(t, want, n)
			assert.Positive(t, undecoded)
		})
	}
}
