package source

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// utf8Mark is the byte order mark that Excel puts before UTF-8.
const utf8Mark = "\xef\xbb\xbf"

// markOf returns the UTF-8 byte order mark that the list begins with, or
// nothing. A list in UTF-16 is refused: its bytes are not text here.
func markOf(start []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, &ListError{
			Line: 1, Reason: "the list is in UTF-16",
			Hint: "save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 LIST",
		}
	case bytes.HasPrefix(start, []byte(utf8Mark)):
		return []byte(utf8Mark), nil
	}
	return nil, nil
}

// checkText reports bytes that are not text. A replacement character would be
// a wrong name, so such a row is not sent.
func checkText(text string, offset int64) *Problem {
	if !utf8.ValidString(text) {
		at := invalidByte(text)
		return &Problem{
			Code:    "invalid_encoding",
			Message: fmt.Sprintf("byte %d of the list (column %d of the line) is not valid UTF-8", offset+int64(at), at+1),
		}
	}
	if at := strings.IndexByte(text, 0); at >= 0 {
		return &Problem{
			Code:    "nul_byte",
			Message: fmt.Sprintf("byte %d of the list (column %d of the line) is NUL", offset+int64(at), at+1),
		}
	}
	return nil
}

func invalidByte(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// printable is text with every byte that is not valid UTF-8 written as \xNN.
func printable(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[0])|0x100, 16)[1:])
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}
