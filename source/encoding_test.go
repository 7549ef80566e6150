package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// encoded is text in an encoding, by the library's own encoder.
func encoded(t testing.TB, encoding, text string) string {
	e, err := ianaindex.IANA.Encoding(encoding)
	require.NoError(t, err)
	if strings.HasPrefix(encoding, "utf-16") {
		order := unicode.LittleEndian
		if encoding == "utf-16be" {
			order = unicode.BigEndian
		}
		e = unicode.UTF16(order, unicode.IgnoreBOM)
	}
	out, err := e.NewEncoder().String(text)
	require.NoError(t, err)
	return out
}

func openRefused(t testing.TB, text string, o Options) *ListError {
	_, err := Open(strings.NewReader(text), o)
	var wrong *ListError
	require.ErrorAs(t, err, &wrong)
	return wrong
}

func TestEveryEncodingIsReadAsItsText(t *testing.T) {
	cases := []struct{ encoding, first, last string }{
		{"windows-1252", "René", "O’Brien €"},
		{"windows-1256", "محمد", "الهاشمي"},
		{"windows-1251", "Анна", "Каренина"},
		{"windows-1250", "Łucja", "Żółć"},
		{"iso-8859-1", "René", "Müller"},
		{"iso-8859-15", "Œuvre", "€"},
		{"shift_jis", "太郎", "表ソ"}, // trail bytes that are \ and |
		{"gbk", "王", "亅亇"},
		{"gb18030", "㐀", "𠀀"},
		{"big5", "陳", "許功蓋"},
		{"euc-kr", "민준", "김"},
		{"koi8-r", "Анна", "К"},
		{"macintosh", "Zoë", "Ångström"},
		{"utf-16le", "Ċਊ", "𝒵 上"}, // units with 0x0A as one half
		{"utf-16be", "ഊ਍", "𝒵"},
	}
	for _, c := range cases {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			t.Run(fmt.Sprintf("%s %q", c.encoding, end), func(t *testing.T) {
				plain := strings.ReplaceAll(header+"Individual,a@example.com,"+c.first+",\""+c.last+"\"\n\nIndividual,b@example.com,B,B", "\n", end)
				raw := encoded(t, c.encoding, plain)
				l, err := Open(strings.NewReader(raw), Options{Encoding: c.encoding})
				require.NoError(t, err)
				recs := collect(t, l)
				require.Len(t, recs, 2)
				assert.Empty(t, recs[0].Problems)
				assert.Equal(t, []string{"Individual", "a@example.com", c.first, c.last}, recs[0].Cells)
				assert.Equal(t, encoded(t, c.encoding, "Individual,b@example.com,B,B"), string(recs[1].Raw))
				assert.EqualValues(t, 4, recs[1].Line)
				assert.Equal(t, end, l.LineEnd())
			})
		}
	}
}

func TestUTF16IsReadByItsMark(t *testing.T) {
	for encoding, mark := range map[string]string{"utf-16le": "\xff\xfe", "utf-16be": "\xfe\xff"} {
		text := mark + encoded(t, encoding, header+"Individual,a@example.com,A,\"B\r\n\"\"C\"\"\"\nIndividual,b@example.com,"+strings.Repeat("x", 1<<20)+",D\n")
		l, recs := readAll(t, text)
		require.Len(t, recs, 2)
		assert.Equal(t, []string{"control_character"}, codes(recs[0]))
		assert.Equal(t, "B\r\n\"C\"", recs[0].Cells[3])
		assert.Empty(t, recs[1].Problems)
		assert.EqualValues(t, 4, recs[1].Line)
		assert.True(t, l.BOM())
		assert.Equal(t, strings.ToUpper(encoding), l.Encoding())
		assert.Equal(t, text[:len(l.HeaderRaw())], string(l.HeaderRaw()))
		assert.Contains(t, l.Mapping(), "in "+strings.ToUpper(encoding))
	}
}

func TestWhatStandsForNoCharacterCostsItsRowAndIsNamed(t *testing.T) {
	const row = "Individual,a@example.com,"
	cases := []struct{ name, encoding, first, message string }{
		{"UTF-8", "", "Ren\xe9", "line 3, column 3 (firstName): the byte at offset 104 of the list is not valid UTF-8; name the encoding"},
		{"named UTF-8", "utf-8", "\xed\xa0\x80", "line 3, column 3 (firstName): the byte at offset 101 of the list is not valid UTF-8"},
		{"a byte that the code page has not", "windows-1252", "A\x81", "line 3, column 3 (firstName): the byte at offset 102 of the list is not valid windows-1252"},
		{"a control character of ISO 8859", "iso-8859-1", "O\x92Brien", "line 3, column 3 (firstName): the byte at offset 102 of the list is not valid iso-8859-1"},
		{"beyond ASCII", "us-ascii", "Zo\xeb", "offset 103"},
		{"half a character", "shift_jis", "\x91\xbe\x98", "offset 103"},
		{"half a long character", "gb18030", "\x81\x30\x81", "offset 101"},
		{"behind an escaped quote and a line break", "", "\"x\"\"\n\xff\"", "line 4, column 3 (firstName): the byte at offset 106"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bad := row + c.first + ",B\r\n"
			l, err := Open(strings.NewReader(header+row+"A,B\r\n"+bad+row+"A,B\r\n"), Options{Encoding: c.encoding})
			require.NoError(t, err)
			recs := collect(t, l)
			require.Len(t, recs, 3)
			assert.Equal(t, []string{"invalid_encoding"}, codes(recs[1]))
			assert.Contains(t, recs[1].Problems[0].Message, c.message)
			assert.Equal(t, bad, string(recs[1].Raw))
			assert.NotContains(t, recs[1].Text, "\ufffd")
			assert.Contains(t, recs[1].Text, `\x`)
			assert.Empty(t, recs[2].Problems)
		})
	}
}

func TestHalfACharacterOfUTF16CostsItsRow(t *testing.T) {
	text := "\xff\xfe" + inUTF16(header) + "\x00\xd8" + inUTF16(",a,b,c\n"+header) + "x"
	_, recs := readAll(t, text)
	require.Len(t, recs, 3)
	assert.Equal(t, []string{"invalid_encoding"}, codes(recs[0]))
	assert.Contains(t, recs[0].Problems[0].Message, "line 2, column 1 (customerType): the byte at offset 94 of the list is not valid UTF-16LE")
	assert.Equal(t, `\x00\xd8,a,b,c`, recs[0].Text)
	assert.Equal(t, []string{"invalid_encoding"}, codes(recs[2]), "half a unit")
}

func TestNULIsNamedByColumnAndByte(t *testing.T) {
	text := "\xff\xfe" + inUTF16(header+"é,b,\x00,d\n")
	_, recs := readAll(t, text)
	require.Len(t, recs, 1)
	assert.Contains(t, recs[0].Problems[0].Message, "line 2, column 3 (firstName): the byte at offset ")
}

func TestAReplacementCharacterIsNeverSent(t *testing.T) {
	_, recs := readAll(t, header+"Individual,a@example.com,Ren\ufffd,B\n")
	assert.Equal(t, []string{"replacement_character"}, codes(recs[0]))
	_, recs = readAll(t, "note,"+header+"Ren\ufffd,Individual,a@example.com,A,B\n")
	assert.Empty(t, recs[0].Problems, "what is not sent is copied unchanged")
}

func TestAnEncodingThatDoesNotFitIsRefusedWithWhatToType(t *testing.T) {
	ascii := header + "Individual,a@example.com,A,B\n"
	cases := []struct{ name, text, encoding, says string }{
		{"another than the mark says", utf8Mark + ascii, "windows-1252", "byte order mark of UTF-8, and --encoding says windows-1252"},
		{"UTF-16 the other way round", "\xff\xfe" + inUTF16(ascii), "utf-16be", "byte order mark of UTF-16LE"},
		{"UTF-16 called UTF-8", "\xff\xfe" + inUTF16(ascii), "utf-8", "byte order mark of UTF-16LE"},
		{"UTF-16 without a mark", inUTF16(ascii), "", "--encoding utf-16le"},
		{"UTF-16BE without a mark", "\x00" + inUTF16(ascii), "", "--encoding utf-16be"},
		{"UTF-16 of no order", inUTF16(ascii), "utf-16", "--encoding utf-16le"},
		{"a header in a code page", "Pr\xe9nom," + ascii, "", "--encoding windows-1252"},
		{"a header of something else", "\x81," + ascii, "windows-1252", "offset 0 of the list is not valid windows-1252"},
		{"unknown", ascii, "windows-1525", "windows-1252"},
		{"unknown, and nothing near", ascii, "klingon-nine", "such as utf-8"},
		{"stateful", ascii, "ISO-2022-JP", "iconv -f ISO-2022-JP"},
		{"stateful, too", ascii, "hz-gb-2312", "iconv -f HZ-GB-2312"},
		{"shifted", ascii, "utf-7", "iconv -f UTF-7"},
		{"EBCDIC", ascii, "ibm1047", "iconv -f IBM1047"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wrong := openRefused(t, c.text, Options{Encoding: c.encoding})
			assert.Contains(t, wrong.Error()+wrong.Hint, c.says)
		})
	}
}

func TestEveryOfferedEncodingIsTaken(t *testing.T) {
	names := encodingNames()
	assert.Greater(t, len(names), 35)
	for alias, name := range encodingAliases {
		assert.NoError(t, checkEncoding(alias))
		assert.NoError(t, checkEncoding(name))
	}
	for _, name := range append(names, "UTF8", " Windows-1252 ", "latin1") {
		assert.NoError(t, checkEncoding(name), name)
	}
}

func TestReadingGoesOnFromAnyPositionInUTF16(t *testing.T) {
	text := "\xff\xfe" + inUTF16(header+"Individual,a@example.com,A,\"B\nB\"\n\nIndividual,b@example.com,B,C")
	_, recs := readAll(t, text)
	require.Len(t, recs, 2)
	grown := func(more string) error {
		l, err := Open(strings.NewReader(text+more), Options{})
		require.NoError(t, err)
		for _, err := range l.RecordsFrom(recs[1].Next) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	assert.NoError(t, grown(""))
	assert.NoError(t, grown(inUTF16("\nIndividual,c@example.com,C,D")))
	var changed *ChangedError
	assert.ErrorAs(t, grown(inUTF16("X")), &changed)
	assert.ErrorAs(t, grown("\n\n"), &changed, "U+0A0A ends no line")
}

func TestALineEndIsThatOfTheEncoding(t *testing.T) {
	for mark, feed := range map[string]string{"": "\n", "\xff\xfe": "\n\x00", "\xfe\xff": "\x00\n"} {
		text := header
		if feed != "\n" {
			encoding := map[string]string{"\xff\xfe": "utf-16le", "\xfe\xff": "utf-16be"}[mark]
			text = mark + encoded(t, encoding, header)
		}
		l, err := Open(strings.NewReader(text), Options{})
		require.NoError(t, err)
		assert.Equal(t, feed, string(l.Excerpt(ExcerptState{}).lineEnd))
		assert.True(t, l.lines.endsAt([]byte("xy"+feed)))
		assert.False(t, l.lines.endsAt([]byte("xyzz")))
		assert.False(t, l.lines.endsAt(nil))
	}
}
