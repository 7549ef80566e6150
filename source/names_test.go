package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCustomersDifferInMoreThanTheCaseOfASCIILetters(t *testing.T) {
	for _, same := range [][2]string{
		{"Ann@Example.COM", "ann@example.com"},
		{" ann@example.com ", "ann@example.com"},
		{"JOSÉ@example.com", "josÉ@EXAMPLE.com"},
	} {
		assert.Equal(t, customerKey("f", same[0]), customerKey("f", same[1]), same)
	}
	for _, other := range [][2]string{
		{"\u212aim@example.com", "kim@example.com"}, // the Kelvin sign
		{"\u0130an@example.com", "ian@example.com"},
		{"\u0130an@example.com", "i\u0307an@example.com"},
		{"\u0131an@example.com", "Ian@example.com"},
		{"a\u017fa@example.com", "asa@example.com"}, // the long s
		{"\u212bsa@example.com", "\u00e5sa@example.com"},
		{"\u03a3@example.com", "\u03c2@example.com"},
		{"\u1e9e@example.com", "\u00df@example.com"},
		{"JOSÉ@example.com", "josé@example.com"},
	} {
		assert.NotEqual(t, customerKey("f", other[0]), customerKey("f", other[1]), other)
	}
	assert.NotEqual(t, customerKey("f", "ann@example.com"), customerKey("F", "ann@example.com"))
}

func FuzzACustomersKeyKeepsAllButTheCaseOfASCIILetters(f *testing.F) {
	f.Add("form", "Ann@Example.com")
	f.Add("form", "\u0130\u212a\u017f\xff@x.example")
	f.Fuzz(func(t *testing.T, form, email string) {
		key := customerKey(form, email)
		want := strings.TrimSpace(form) + "\n" + strings.TrimSpace(email)
		assert.Len(t, key, len(want))
		for i := range len(key) {
			if key[i] != want[i] {
				assert.Equal(t, key[i], want[i]+'a'-'A')
				assert.True(t, 'A' <= want[i] && want[i] <= 'Z')
			}
		}
	})
}

func customerKey(formID, email string) string {
	return string(AppendCustomerKey(nil, formID, email))
}
