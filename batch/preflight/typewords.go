package preflight

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kindsOfCustomers are words that name a kind of customer and not a person, in the
// languages of many lists. Any other word may be a name, read from the wrong
// column, and is not shown.
var kindsOfCustomers = wordSet(kindsOfCustomersText)

//go:embed customer_kinds.txt
var kindsOfCustomersText string

// shortestName is the length from which a word may be a name, in characters:
// what is shorter is a code, such as P or 02.
const shortestName = 3

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

// maxTypeWords is how many words are kept apart: a column of types has fewer.
const maxTypeWords = 10

// TypeWords counts the rows with words in customerType that it does not take.
// Others are the rows with words that may be of a person.
type TypeWords struct {
	Rows   map[string]int64 `json:"rows,omitempty"` // by word
	Others int64            `json:"others,omitempty"`
}

func (w *TypeWords) add(word string) {
	if w.Rows[word] == 0 && (len(w.Rows) == maxTypeWords || !isTypeWord(word)) {
		w.Others++
		return
	}
	if w.Rows == nil {
		w.Rows = map[string]int64{}
	}
	w.Rows[word]++
}

// isTypeWord reports a text of nothing but codes and words for kinds of customers.
func isTypeWord(text string) bool {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return utf8.RuneCountInString(text) < shortestName
	}
	named := false
	for _, word := range words {
		named = named || kindsOfCustomers[word]
		if utf8.RuneCountInString(word) >= shortestName && !kindsOfCustomers[word] {
			return false
		}
	}
	return named || utf8.RuneCountInString(text) < shortestName
}

// String lists the words with their counts, the most frequent first, and says what to
// do. It is empty where there are none.
func (w TypeWords) String() string {
	const advice = "; correct them in the list, or have the type follow from the details of each row: --map customerType="
	shown := w.shown()
	switch {
	case len(shown) == 0 && w.Others == 0:
		return ""
	case len(shown) == 0:
		return "customerType has other words than Individual and LegalEntity in " + rows(w.Others) +
			", not shown since they may be names: it may be read from the wrong column" + advice
	case w.Others > 0:
		shown = append(shown, "words that are not shown since they may be names in "+rows(w.Others))
	}
	return "customerType has words other than Individual and LegalEntity: " + strings.Join(shown, ", ") + advice
}

func (w TypeWords) shown() []string {
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
		words[i] = strconv.Quote(word) + " in " + rows(w.Rows[word])
	}
	return words
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprint(n, " rows")
}
