package source

import (
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// fuzzedEncodings are one of every kind: found, one byte, two and four bytes,
// UTF-16 in both orders.
var fuzzedEncodings = []string{"", "windows-1252", "shift_jis", "gb18030", "utf-16le", "utf-16be", "iso-8859-1", "euc-jp", "big5"}

// requireNothingLost checks that header, records and blank lines are the input,
// byte for byte, whatever the pieces it is read in and wherever reading begins.
func requireNothingLost(t *testing.T, text string, o Options) {
	l, err := Open(strings.NewReader(text), o)
	if err != nil {
		return
	}
	pieces, err := Open(iotest.OneByteReader(strings.NewReader(text)), o)
	require.NoError(t, err)
	var whole []*Record
	for rec, err := range l.Records() {
		if err != nil {
			return
		}
		whole = append(whole, rec)
	}
	require.Equal(t, whole, collect(t, pieces))
	requireSameFromAnywhere(t, text, o, whole)
	for _, rec := range whole {
		requireNoGuess(t, l, rec)
	}
	if strings.HasPrefix(text, "\x1f\x8b") || strings.HasPrefix(text, "\x28\xb5\x2f\xfd") {
		return // offsets are those of the plain text
	}
	blank := "\r\n"
	if l.format == FormatCSV {
		blank += " \t" + string(l.delimiter)
	}
	if l.charset.wide != narrow {
		blank += "\x00"
	}
	at := int64(len(l.HeaderRaw()))
	require.Equal(t, text[:at], string(l.HeaderRaw()))
	for i, rec := range whole {
		require.Empty(t, strings.Trim(text[at:rec.Offset], blank), "only blank lines lie between records")
		require.Equal(t, text[rec.Offset:rec.Offset+int64(len(rec.Raw))], string(rec.Raw))
		require.EqualValues(t, i+1, rec.Row)
		at = rec.Next.Offset
		require.Equal(t, rec.Offset+int64(len(rec.Raw)), at)
	}
	require.Empty(t, strings.Trim(text[at:], blank))
}

// requireSameFromAnywhere reads from behind some of the records on.
func requireSameFromAnywhere(t *testing.T, text string, o Options, whole []*Record) {
	for i := 0; i < len(whole); i += 1 + len(whole)/5 {
		l, err := Open(strings.NewReader(text), o)
		require.NoError(t, err)
		rest := []*Record{}
		for rec, err := range l.RecordsFrom(whole[i].Next) {
			require.NoError(t, err)
			rest = append(rest, rec)
		}
		require.Equal(t, append([]*Record{}, whole[i+1:]...), rest)
	}
}

// requireNoGuess checks that nothing is sent or written for a value that could
// not be read.
func requireNoGuess(t *testing.T, l *List, rec *Record) {
	if l.format == FormatCSV {
		require.Equal(t, rec.Malformed, rec.Cells == nil)
	}
	if rec.Malformed {
		require.NotEmpty(t, rec.Problems)
		return
	}
	if l.charset.decoder != nil {
		require.NotContains(t, strings.Join(rec.Cells, "")+rec.Text, "\ufffd")
	}
	if len(rec.Problems) == 0 {
		for f := range fieldCount {
			require.NotContains(t, *f.in(&rec.Customer), "\ufffd")
		}
	}
}

// inUTF16 writes ASCII as UTF-16LE.
func inUTF16(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.Write([]byte{text[i], 0})
	}
	return b.String()
}

func FuzzCSVLosesNothing(f *testing.F) {
	add := func(text string, encoding uint8) { f.Add(text, encoding, false) }
	add(header+"Individual,a@example.com,A,B\n\"x\n\n,\"\"", 0)
	add(header+"a,\"b\r\nc,d\",\x00\r\r\n\xff\n\"", 0)
	add(strings.ReplaceAll(header, "\n", "\r")+"a,b\rc\n\r", 0)
	add(utf8Mark+header+"\"\",\"\",\"\",\"\"", 0)
	add("\xff\xfe"+inUTF16(header+"a,\"b\r\nc\",d,e\n")+"\x0a\x01\x00\x0a\x00\xd8\n\x00\n", 0)
	add(inUTF16(strings.ReplaceAll(header, "\n", "\r")+"a\r\nb\r"), 4)
	add(header+"Individual,a@example.com,Ren\xe9,\x81\n", 1)
	add(header+"Individual,a@example.com,\x83|,\x81\"\n\x81", 2)
	add(header+"Individual,a@example.com,\x84\x31\xa4\x37,\x81\x30\n", 3)
	f.Add("E-mail|\"Given\nname\"|last name\nx|\x00\xfe", uint8(0), true)
	f.Fuzz(func(t *testing.T, text string, encoding uint8, mapped bool) {
		o := Options{Format: FormatCSV, Encoding: fuzzedEncodings[int(encoding)%len(fuzzedEncodings)]}
		if mapped {
			o.Delimiter, o.FormulaSafe = '|', true
			o.Map, o.Set = []string{"customerEmail=E-mail", "firstName=Given name"}, []string{"customerType=Individual"}
		}
		requireNothingLost(t, text, o)
	})
}

func FuzzJSONLLosesNothing(f *testing.F) {
	f.Add("{\"a\":1}\r\n\r\n{\n[]", uint8(0), false)
	f.Add(utf8Mark+"{}\n{\"customerEmail\":\"a\",\"customer_email\":1}", uint8(0), false)
	f.Add("\xff\xfe"+inUTF16("{}\n{\"customerEmail\":\"a\"}\r\n")+"\x00", uint8(0), true)
	f.Add("{\"contact\":{\"e_mail\":\"\xe9\"},\"customerType\":\"x\"}\n{\"contact.email\":null}", uint8(1), true)
	f.Fuzz(func(t *testing.T, text string, encoding uint8, mapped bool) {
		o := Options{Format: FormatJSONL, Encoding: fuzzedEncodings[int(encoding)%len(fuzzedEncodings)]}
		if mapped {
			o.Map, o.Set = []string{"customerEmail=contact.email", "lastName=individual.firstName", "firstName="}, []string{"customerType=Individual"}
		}
		requireNothingLost(t, text, o)
	})
}

func FuzzEveryByteOfAnEncodingIsAccountedFor(f *testing.F) {
	f.Add([]byte("Ren\xe9 \x81\x40\x84\x31\xa4\x37"), uint8(1))
	f.Add([]byte("\x00\xd8\x41\x00\xff\xdf"), uint8(4))
	f.Add([]byte("a\x00\x00\x00"), uint8(1))
	f.Add([]byte("a\x00\x00\x00"), uint8(4))
	f.Fuzz(func(t *testing.T, raw []byte, encoding uint8) {
		c, err := charsetNamed(fuzzedEncodings[int(encoding)%len(fuzzedEncodings)])
		require.NoError(t, err)
		text := c.text(raw)
		bad := c.badByte(raw, text)
		if bad < 0 {
			require.Equal(t, strings.ReplaceAll(text, "\x00", strings.Repeat(`\x00`, c.wide.size())), c.printable(raw))
			require.Equal(t, len(raw), c.rawLen(raw, len(text)))
			return
		}
		good := c.text(raw[:bad])
		require.Equal(t, -1, c.badByte(raw[:bad], good), "what lies before a bad byte is text")
		require.True(t, strings.HasPrefix(text, good))
		require.Equal(t, -1, (&charset{}).badByte(nil, c.printable(raw)))
	})
}

func FuzzAPlainValueHasNothingWrong(f *testing.F) {
	for _, seed := range []string{"Zoë", "\u0085", "\ufffd", "'=x", "a\x7f", "上", "9.7e11", "1.0", "#N/A", "Err:502", "###", "#DATE! 2026-01-31", "a\u200bb", "\u202ea", "می\u200cخواهم", "customer.7@example.com", "12345678\x00", "\x1f2345678", "Err:502xxxxxxxx", "1234567é", "+971 50 1234567", "'=12345678", "#1234567 8", "00971501234567/9", "12345678901\"\\", "1234567\\é", "\xa2\xdc345678\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		simple := !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || r == '?' })
		require.Equal(t, simple, isSimple(value))
		require.Equal(t, strings.TrimSpace(value), trimmed(value))
		ends := 0
		for ends < len(value) && !endsText[value[ends]] {
			ends++
		}
		require.Equal(t, ends, untilTextEnds(value))
		if simple && value != "" && isHarmless(value) {
			require.True(t, isPlain(value), "as it is taken for")
		}
		if simple && isWhole(value) {
			digits, letters := digitsAndLetters(value)
			require.Equal(t, digits, digitsIn(value))
			require.False(t, letters)
		}
		if !utf8.ValidString(value) || !isPlain(value) {
			return
		}
		var p problems
		p.damage(firstName, value)
		require.Empty(t, p)
	})
}
