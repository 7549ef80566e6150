package source

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// excerptOf repeats some of the records of a list. It is resumed after each
// record, from its state alone.
func excerptOf(l *List, records []*Record) []byte {
	b := l.Excerpt(ExcerptState{}).Header(nil)
	state := ExcerptState{}
	for _, rec := range records {
		e := l.Excerpt(state)
		b = e.Append(b, rec)
		state = e.State()
	}
	return b
}

// recordsOf reads a list; nil when it is none.
func recordsOf(t testing.TB, b []byte, o Options) (*List, []*Record) {
	l, err := Open(bytes.NewReader(b), o)
	if err != nil {
		return nil, nil
	}
	var records []*Record
	for rec, err := range l.Records() {
		if err != nil {
			require.ErrorAs(t, err, new(*ListError))
			return nil, nil
		}
		records = append(records, rec)
	}
	return l, records
}

// requireReadsBack checks that what an excerpt repeats of a list reads as the
// same rows with the same problems.
func requireReadsBack(t testing.TB, list []byte, o Options, chosen func(*Record) bool) (read bool) {
	l, all := recordsOf(t, list, o)
	if l == nil {
		return false
	}
	var records []*Record
	for _, rec := range all {
		if chosen(rec) {
			records = append(records, rec)
		}
	}
	if len(records) == 0 {
		return true // nothing is rejected
	}
	b := excerptOf(l, records)
	_, again := recordsOf(t, b, o)
	shown := strings.ReplaceAll(string(b), strings.Repeat("\n", 99), "…")
	require.Len(t, again, len(records), "%q became %q", list, shown)
	for i, rec := range again {
		was := records[i]
		if i == 0 && l.Format() == FormatJSONL && was.Malformed && strings.HasPrefix(rec.Text, `{"input":"`) {
			require.NotEmpty(t, rec.Problems)
			continue
		}
		require.Equal(t, string(was.Raw), string(rec.Raw), "%q became %q", list, shown)
		require.Equal(t, was.Cells, rec.Cells)
		require.Equal(t, was.Text, rec.Text)
		require.Equal(t, was.Customer, rec.Customer)
		require.Equal(t, codesOf(was), codesOf(rec), "%q became %q", list, shown)
	}
	return true
}

func codesOf(rec *Record) (codes []string) {
	for _, p := range rec.Problems {
		codes = append(codes, p.Code)
	}
	return codes
}

func TestRowsThatWouldRunIntoEachOtherAreKeptApart(t *testing.T) {
	const stray, closing, fine = "Individual,\"a@example.com,A,B\n", "x\",C,D\n", "Individual,c@example.com,C,D\n"
	list := header + stray + fine + "\"" + fine + closing + fine
	l, records := recordsOf(t, []byte(list), Options{})
	bad := records[:0]
	for _, rec := range records {
		if rec.Malformed {
			bad = append(bad, rec)
		}
	}
	require.Len(t, bad, 3)
	b := excerptOf(l, []*Record{bad[0], bad[2]})
	assert.Equal(t, header+stray+strings.Repeat("\n", maxRecordLines-1)+closing, string(b))
	requireReadsBack(t, []byte(list), Options{}, func(rec *Record) bool { return rec.Malformed })

	// What does not run into each other stands close, as in the list.
	assert.Equal(t, header+stray+stray, string(excerptOf(l, []*Record{bad[0], bad[0]})))
}

func TestWhatBeginsTheRejectsOfJSONLDoesNotMakeThemAnotherFormat(t *testing.T) {
	const fine = `{"customerType":"Individual"}` + "\n"
	for name, list := range map[string]string{
		"a row without an object":        fine + "oops \"é\x00\n" + fine,
		"an array":                       fine + "[1]\n",
		"a bare CR in the first row":     fine + "{\"a\":\r1}\n" + fine,
		"a row that ends with CRLF":      fine + "{\"a\":1}\r\n" + fine,
		"what begins a compressed file":  fine + "\x1f\x8b\x08\x00 and so on\n" + fine,
		"many NULs":                      fine + strings.Repeat("{\x00", 30) + "\n" + fine,
		"the mark of another encoding":   fine + "\xff\xfe{\x00\n" + fine,
		"lines that end with a CR alone": strings.ReplaceAll(fine+"oops\n{\"a\":1}\n", "\n", "\r"),
	} {
		t.Run(name, func(t *testing.T) {
			requireReadsBack(t, []byte(list), Options{}, func(rec *Record) bool { return rec.Row > 1 })
		})
	}
}

// dirtyList makes a list of rows that are bad in every way that a line can be.
func dirtyList(r *rand.Rand) ([]byte, Options) {
	delimiter := string(",;\t|"[r.IntN(4)])
	end := []string{"\n", "\r\n", "\r"}[r.IntN(3)]
	pieces := []string{"a@example.com", "Individual", "Lee", "", " ", `"`, `""`, `"a`, `b"`, `"a` + end + `b"`, `"x` + delimiter + `y"`, "\x00", "\xff", "é", "\r", `","`, `"` + delimiter, end, "\ufeff", `5" pipe`, ` "a"`, `  ""`}
	jsonl := r.IntN(4) == 0
	var b strings.Builder
	row := func(cells int) {
		for n := range cells {
			if n > 0 {
				b.WriteString(delimiter)
			}
			for range 1 + r.IntN(2) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
		}
		b.WriteString(end)
	}
	if !jsonl {
		fmt.Fprint(&b, strings.Join([]string{"customerEmail", "firstName", "lastName"}, delimiter), end)
	}
	for n := range 2 + r.IntN(12) {
		switch {
		case jsonl && (n == 0 || r.IntN(2) == 0):
			fmt.Fprintf(&b, `{"customerEmail":"c%d@example.com","note":"%s"}%s`, n, pieces[r.IntN(5)], end)
		case r.IntN(3) == 0:
			row(1 + r.IntN(4))
		case r.IntN(3) == 0: // a row that one like it further on can close
			fmt.Fprint(&b, []string{
				`Individual` + delimiter + `"a`, `x"` + delimiter + `b`, `"a`, `x"` + delimiter + `b` + delimiter + `c`, `"a""`, `x"` + delimiter + `"y`,
			}[r.IntN(6)], end)
		case r.IntN(2) == 0: // and one that keeps the two apart in the list
			fmt.Fprint(&b, strings.Join([]string{`"Individual"`, `"c@example.com"`, `"Lee"`}, delimiter), end)
		default:
			row(3)
		}
	}
	text, o := b.String(), Options{Set: []string{"customerType=Individual"}}
	switch r.IntN(6) {
	case 0:
		return append([]byte("\xff\xfe"), wideOf(text, littleEndian)...), o
	case 1:
		o.Encoding = "utf-16be"
		return wideOf(text, bigEndian), o
	case 2:
		o.Encoding = []string{"windows-1252", "shift_jis", "gb18030"}[r.IntN(3)]
	}
	return []byte(text), o
}

// wideOf makes UTF-16 of every byte, whether it is text or not.
func wideOf(text string, o order) []byte {
	b := make([]byte, 0, 2*len(text))
	for i := range len(text) {
		if o == littleEndian {
			b = append(b, text[i], 0)
		} else {
			b = append(b, 0, text[i])
		}
	}
	return b
}

func TestAnyRowsOfAnyListReadBackAsTheyAre(t *testing.T) {
	read := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		list, o := dirtyList(r)
		if requireReadsBack(t, list, o, func(*Record) bool { return r.IntN(3) > 0 }) {
			read++
		}
		requireReadsBack(t, list, o, func(rec *Record) bool { return rec.Malformed })
	}
	assert.Greater(t, read, 2000, "nearly all of them can be read at all")
}

func FuzzAnExcerptReadsBackAsTheSameRows(f *testing.F) {
	for seed := range uint64(20) {
		list, _ := dirtyList(rand.New(rand.NewPCG(seed, 5)))
		f.Add(list, uint64(0x5555555555555555))
	}
	f.Fuzz(func(t *testing.T, list []byte, chosen uint64) {
		requireReadsBack(t, list, Options{Set: []string{"customerType=Individual"}}, func(rec *Record) bool { return chosen>>(rec.Row%64)&1 == 1 })
	})
}
