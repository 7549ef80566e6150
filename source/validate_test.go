package source

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAddressWithACharacterThatCannotBeSeenIsInvalid(t *testing.T) {
	cases := []struct{ name, address string }{
		{"a byte order mark in front", "\ufeffann@example.com"},
		{"a zero-width space in front", "\u200bann@example.com"},
		{"a soft hyphen in the local part", "an\u00adn@example.com"},
		{"a mark of direction at the end", "ann@example.com\u200f"},
		{"a no-break space in the local part", "ann\u00a0lee@example.com"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			problems := Validate(&Customer{Type: individualType, Email: c.address, FirstName: "Ann", LastName: "Lee"})
			require.Len(t, problems, 1)
			assert.Equal(t, "invalid_customer_email", problems[0].Code)
			assert.Contains(t, problems[0].Message, "cannot be seen")
		})
	}
	for _, good := range []string{"jörg@example.com", "अनु@example.in", "a+b@bücher.example"} {
		assert.Empty(t, Validate(&Customer{Type: individualType, Email: good, FirstName: "Ann", LastName: "Lee"}), good)
	}
}

func TestAMobileNumberThatASpreadsheetRoundedIsInvalid(t *testing.T) {
	for number, code := range map[string]string{
		"9.71501E+11": "rounded_number", "9,71501E+11": "rounded_number", "1E+12": "rounded_number",
		"+971 50 123 4567": "", "971501234567": "", "E+1": "", "": "",
	} {
		problems := Validate(&Customer{Type: individualType, Email: "ann@example.com", FirstName: "Ann", LastName: "Lee", MobileNumber: number})
		if code == "" {
			assert.Empty(t, problems, number)
			continue
		}
		require.Len(t, problems, 1, number)
		assert.Equal(t, code, problems[0].Code)
	}
}
