package session

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSessionID bounds a session id, in bytes: what is longer is something else,
// and would not fit where session ids are kept.
const maxSessionID = 4 << 10

// faultOfSessionID says why a text that is not empty cannot be a session id; ""
// when it can. Ids
// go into spreadsheets, terminals and other programs, and one of them is handed
// to a customer: what is not plainly an id is the mistake of a service, and
// taking it would hide that. The text is never changed to make it fit.
func faultOfSessionID(id string) string {
	first, _ := utf8.DecodeRuneInString(id)
	switch {
	case strings.ContainsRune("=+-@＝＋－＠", first):
		return "begins like a formula"
	case strings.Trim(id, "0-{}") == "":
		return "is all zeros"
	case isWordForNone(id):
		return "is a word for none"
	case isAddress(id):
		return "is an e-mail address"
	}
	for i := 0; i < len(id); {
		if c := id[i]; c < utf8.RuneSelf {
			if c <= ' ' || c == 0x7f {
				return "has a space or a control character"
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(id[i:])
		if !isVisible(r) {
			return "has a character that cannot be seen"
		}
		i += size
	}
	return ""
}

// isWordForNone knows what programs write for a value that they do not have.
func isWordForNone(id string) bool {
	if len(id) > len("undefined") {
		return false
	}
	switch strings.ToLower(id) {
	case "null", "undefined", "none", "nil":
		return true
	}
	return false
}

// isAddress knows an e-mail address, the customer's most likely.
func isAddress(id string) bool {
	local, domain, found := strings.Cut(id, "@")
	return found && local != "" && domain != "" && !strings.Contains(domain, "@")
}

// isVisible reports a character beyond ASCII that leaves a mark of its own.
// U+FFFD stands for what could not be read, and U+2800 is a blank of Braille.
func isVisible(r rune) bool {
	return r != utf8.RuneError && r != '\u2800' && !isInvisible(r) && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
}
