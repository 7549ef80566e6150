package source

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// Names are those of the IANA registry, and not those of the web, where
// iso-8859-1 means windows-1252. encodingAliases are names in common use that
// the registry, or its implementation, does not know. Each means the very
// same characters, or more of them.
var encodingAliases = map[string]string{
	ansi: "windows-1252", "utf-8-sig": "utf-8", "utf8-sig": "utf-8", "utf-8-bom": "utf-8", "utf8-bom": "utf-8", "cp65001": "utf-8", "unicode": "utf-16",
	"latin1": "iso-8859-1", "latin2": "iso-8859-2", "latin3": "iso-8859-3", "latin4": "iso-8859-4", "latin5": "iso-8859-9", "latin6": "iso-8859-10", "latin7": "iso-8859-13",
	"latin8": "iso-8859-14", "latin9": "iso-8859-15", "latin10": "iso-8859-16", "mac-roman": "macintosh", "x-sjis": "shift_jis", "ibm857": "cp857", "dos-857": "cp857",
	"ascii": "us-ascii", "latin-1": "iso-8859-1", "macroman": "macintosh",
	"utf8": "utf-8", "utf16": "utf-16", "utf16le": "utf-16le", "utf16be": "utf-16be",
	"cp874": "windows-874", "cp1250": "windows-1250", "cp1251": "windows-1251", "cp1252": "windows-1252",
	"cp1253": "windows-1253", "cp1254": "windows-1254", "cp1255": "windows-1255", "cp1256": "windows-1256",
	"cp1257": "windows-1257", "cp1258": "windows-1258",
	"sjis": "shift_jis", "shift-jis": "shift_jis", "cp932": "shift_jis", "windows-31j": "shift_jis",
	"gb2312": "gbk", "cp949": "euc-kr",
}

// ansi is what Windows calls the code page of the language that it is set to. Most
// often that is the one of Western Europe; the forecast says so.
const ansi = "ansi"

// spelledOut are beginnings of names as people shorten them, before digits.
var spelledOut = map[string]string{"win": "windows-", "windows": "windows-", "iso8859": "iso-8859-", "latin": "latin"}

// wholeReasons are families of encodings in which a line cannot be read by
// itself, by the beginning of their names.
var wholeReasons = []struct{ prefix, reason string }{
	{"iso-2022", "switches between character sets, so that a line cannot be read without those before it"},
	{"hz", "switches between character sets, so that a line cannot be read without those before it"},
	{"utf-7", "hides line ends and delimiters in shifted text"},
	{"utf-32", "is not read"},
}

// checkEncoding says what is wrong with the name of an encoding.
func checkEncoding(name string) error {
	_, err := charsetNamed(name)
	return err
}

// charsetNamed finds an encoding by its name. "utf-16" without an order of
// bytes is narrow until the byte order mark has told the order.
func charsetNamed(name string) (charset, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	for short, long := range spelledOut {
		if digits, found := strings.CutPrefix(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name), short); found && isDigits(digits) && len(digits) <= 4 {
			name = long + digits
		}
	}
	if alias, ok := encodingAliases[name]; ok {
		name = alias
	}
	switch name {
	case "cp857":
		return charset{name: name, decoder: newCP857()}, nil
	case "", "utf-8":
		return charset{}, nil
	case "utf-16":
		return charset{name: name}, nil
	case "utf-16le":
		return charset{name: name, wide: littleEndian}, nil
	case "utf-16be":
		return charset{name: name, wide: bigEndian}, nil
	}
	for _, whole := range wholeReasons {
		if strings.HasPrefix(name, whole.prefix) {
			return charset{}, fmt.Errorf("--encoding %s %s; convert the list: iconv -f %s -t UTF-8 LIST", name, whole.reason, strings.ToUpper(name))
		}
	}
	found, err := ianaindex.IANA.Encoding(name)
	if err != nil || found == nil {
		return charset{}, fmt.Errorf("--encoding is %q, which is not known; %s", name, nearEncodings(name))
	}
	c := charset{name: name, decoder: found.NewDecoder()}
	if !c.holdsASCII() {
		return charset{}, fmt.Errorf("--encoding %s has commas, quotes and line ends in other places than ASCII; convert the list: iconv -f %s -t UTF-8 LIST", name, strings.ToUpper(name))
	}
	return c, nil
}

// holdsASCII reports whether ASCII characters are what they are in ASCII, as
// the cutting of lines needs it. EBCDIC does not have that.
func (c *charset) holdsASCII() bool {
	for octet := range byte(utf8.RuneSelf) {
		if c.text([]byte{octet}) != string(rune(octet)) {
			return false
		}
	}
	return true
}

// nearEncodings names the encodings that may have been meant.
func nearEncodings(name string) string {
	names := encodingNames()
	slices.SortStableFunc(names, func(a, b string) int { return Distance(name, a) - Distance(name, b) })
	var near []string
	for _, n := range names[:3] {
		if Distance(name, n) <= max(2, len(name)/3) {
			near = append(near, n)
		}
	}
	if len(near) > 0 {
		return "did you mean " + strings.Join(near, ", ") + "?"
	}
	return "it takes names such as utf-8, utf-16le, windows-1252, windows-1256, iso-8859-1, shift_jis, gbk"
}

func encodingNames() []string {
	names := []string{"utf-8", "utf-16le", "utf-16be"}
	all := append(slices.Clone(charmap.All), japanese.ShiftJIS, japanese.EUCJP, korean.EUCKR,
		simplifiedchinese.GBK, simplifiedchinese.GB18030, traditionalchinese.Big5)
	for _, e := range all {
		if name := registeredName(e); name != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

// registeredName is the name of an encoding that a list can be in, or "".
func registeredName(e encoding.Encoding) string {
	name, err := ianaindex.MIME.Name(e)
	if err != nil || checkEncoding(name) != nil {
		return ""
	}
	return name
}
