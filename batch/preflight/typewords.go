package preflight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxTypeWords is how many words a column of types can have. One with more is
	// of something else, perhaps of names, and is not shown.
	maxTypeWords = 10

	// longestTypeWord is likewise the length of a word, in characters.
	longestTypeWord = 24
)

// TypeWords counts the rows with words in customerType that it does not take. It
// has no more than maxTypeWords words; Others are the rows with any other word.
type TypeWords struct {
	Rows   map[string]int64 `json:"rows,omitempty"` // by word
	Others int64            `json:"others,omitempty"`
}

func (w *TypeWords) add(word string) {
	switch {
	case w.Rows[word] > 0 || len(w.Rows) < maxTypeWords && isTypeWord(word):
		if w.Rows == nil {
			w.Rows = map[string]int64{}
		}
		w.Rows[word]++
	default:
		w.Others++
	}
}

func isTypeWord(word string) bool {
	return utf8.RuneCountInString(word) <= longestTypeWord && !strings.ContainsFunc(word, func(r rune) bool {
		return r == '@' || !unicode.IsPrint(r)
	})
}

// String lists the words with their counts, the most frequent first, and says what to
// do. It is empty where there are none.
func (w TypeWords) String() string {
	const advice = "; correct them in the list, or have the type follow from the details of each row: --map customerType="
	switch {
	case len(w.Rows) == 0 && w.Others == 0:
		return ""
	case w.Others > 0:
		return "customerType has many words other than Individual and LegalEntity, so it may be read from the wrong column" + advice
	}
	words := make([]string, 0, len(w.Rows))
	for word := range w.Rows {
		words = append(words, word)
	}
	slices.SortFunc(words, func(a, b string) int {
		if w.Rows[a] != w.Rows[b] {
			return int(min(1, max(-1, w.Rows[b]-w.Rows[a])))
		}
		return strings.Compare(a, b)
	})
	for i, word := range words {
		rows := " rows"
		if w.Rows[word] == 1 {
			rows = " row"
		}
		words[i] = strconv.Quote(word) + " in " + fmt.Sprint(w.Rows[word]) + rows
	}
	return "customerType has words other than Individual and LegalEntity: " + strings.Join(words, ", ") + advice
}
