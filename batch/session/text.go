package session

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bulkonboard/source"
)

const (
	// maxMessage bounds, in characters, what is kept of a server's words.
	maxMessage = 200

	// someone stands where a customer was named.
	someone = "[customer]"
)

// fold drops what a terminal or a log could act upon, and makes all white
// space single spaces.
func fold(text string) string {
	var b strings.Builder
	space := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case isInvisible(r):
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// isInvisible reports what leaves no mark of its own: controls, the marks of
// direction and the byte order mark (Cf), fillers, selectors of a variant.
func isInvisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

func shorten(text string) string {
	n := 0
	for i := range text {
		if n == maxMessage-1 && len(text[i:]) > len("…") {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// withoutCustomer cuts a customer's data out of a folded text, by whole words
// and in one pass: cut out of the middle of other words, or of what an earlier
// cut has put there, it would be told by what is left. Escapes are undone where
// they hide some of it.
func withoutCustomer(text string, r *source.Customer) string {
	if text == "" {
		return ""
	}
	names := namesOf(r)
	shown, cuts := cutWords(text, names)
	for plain := range decodings(text) {
		if plain = fold(plain); plain != text {
			if s, n := cutWords(plain, names); n > cuts {
				shown, cuts = s, n
			}
		}
	}
	return shown
}

// name is a value of a customer, as it may stand in a text.
type name struct {
	is, lower string
	exact     bool // in another case it is most likely a word
	at        int  // where it stands next in the text that is searched
}

// namesOf are the values of a customer, the longest first. One letter is
// not a name.
func namesOf(r *source.Customer) []name {
	names := make([]name, 0, 9)
	for f, value := range r.Fields() {
		if f.Public || len(value) > 4*maxWords {
			continue // no reply has room for it
		}
		value = strings.TrimFunc(fold(value), func(r rune) bool { return !isWordRune(r) && !standsAlone(r) })
		if n := utf8.RuneCountInString(value); n > 1 {
			names = append(names, name{is: value, lower: lower(value), exact: n == 2})
		}
	}
	slices.SortFunc(names, func(a, b name) int { return cmp.Compare(len(b.is), len(a.is)) })
	return names
}

// cutWords replaces names, and says how many.
func cutWords(text string, names []name) (string, int) {
	folded := lower(text)
	for i := range names {
		names[i].find(text, folded, 0)
	}
	var b strings.Builder
	for cuts, from := 0, 0; ; cuts++ {
		first := -1
		for i := range names {
			if names[i].at < from {
				names[i].find(text, folded, from)
			}
			if names[i].at < len(text) && (first < 0 || names[i].at < names[first].at) {
				first = i
			}
		}
		if first < 0 {
			b.WriteString(text[from:])
			return b.String(), cuts
		}
		b.WriteString(text[from:names[first].at])
		b.WriteString(someone)
		from = names[first].at + len(names[first].is)
	}
}

// find looks for the name from a place of a text on, as a word, and without
// regard to case: services repeat addresses in lower case and names in capitals.
func (n *name) find(text, folded string, from int) {
	for n.at = from; ; n.at++ {
		i := strings.Index(folded[n.at:], n.lower)
		if i < 0 {
			n.at = len(text)
			return
		}
		n.at += i
		end := n.at + len(n.is)
		if atBoundary(text, n.at) && atBoundary(text, end) && (!n.exact || text[n.at:end] == n.is) {
			return
		}
	}
}

// lower is a text in lower case, as long as it was: the few letters whose lower
// case is longer or shorter stay.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
			return l
		}
		return r
	}, text)
}

// atBoundary reports a place of a text that is in no word.
func atBoundary(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return at == 0 || at == len(text) || !isWordRune(before) || !isWordRune(after)
}

func isWordRune(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)) && !standsAlone(r)
}

// standsAlone reports a character of a script that puts no blanks between words.
func standsAlone(r rune) bool {
	return r >= utf8.RuneSelf && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
