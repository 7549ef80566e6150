package source

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

func TestAShapeTellsHowAValueIsWrittenAndNotWhatItIs(t *testing.T) {
	for value, want := range map[string]string{
		"":                       "",
		"Zoë-1":                  "Aaa-9",
		"anna.example.com":       "aaaa.aaaaaaa.aaa",
		"+49 (0)170/1234":        "+99 (9)999/9999",
		"ＡＢ１２":                   "AA99",
		"李明":                     "aa",
		"a\tb\x00<c>\ufffd":      "a?a??a??",
		"O'Neil & Sons":          "A'Aaaa & Aaaa",
		strings.Repeat("x", 24):  strings.Repeat("a", 24),
		strings.Repeat("x", 500): strings.Repeat("a", 24) + "…",
	} {
		assert.Equal(t, want, Shape(value), "%q", value)
	}
}

func TestTheValueOfAFieldIsFoundByItsName(t *testing.T) {
	c := Customer{Email: "a@example.com", TradingName: "Zeta"}
	assert.Equal(t, "a@example.com", c.Value("customerEmail"))
	assert.Equal(t, "Zeta", c.Value("tradingName"))
	assert.Empty(t, c.Value("note"))
}

// FuzzShape holds that no letter or digit of a value is in its shape.
func FuzzShape(f *testing.F) {
	f.Add("Zoë Müller, +49 170 1234567")
	f.Fuzz(func(t *testing.T, value string) {
		shape := Shape(value)
		for _, r := range shape {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				assert.Contains(t, "aA9", string(r))
			}
		}
		assert.LessOrEqual(t, len([]rune(shape)), shapeRunes+1)
		assert.Equal(t, Shape(value), shape)
	})
}
