package source

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ann() Customer {
	return Customer{Type: individualType, Email: "ann@example.com", FirstName: "Ann", LastName: "Lee"}
}

func TestAnAddressWithACharacterThatCannotBeSeenIsInvalid(t *testing.T) {
	cases := []struct{ name, address, code string }{
		{"a byte order mark in front", "\ufeffann@example.com", "invisible_character"},
		{"a zero-width space in front", "\u200bann@example.com", "invisible_character"},
		{"a joiner in the local part", "a\u200dnn@example.com", "invisible_character"},
		{"a soft hyphen in the local part", "an\u00adn@example.com", "invisible_character"},
		{"a mark of direction at the end", "ann@example.com\u200f", "direction_character"},
		{"a no-break space in the local part", "ann\u00a0lee@example.com", "invalid_customer_email"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			customer := ann()
			customer.Email = c.address
			problems := validate(&customer, false)
			require.Len(t, problems, 1)
			assert.Equal(t, c.code, problems[0].Code)
			assert.Contains(t, problems[0].Message, "cannot be seen")
		})
	}
	for _, good := range []string{"jörg@example.com", "अनु@example.in", "a+b@bücher.example"} {
		customer := ann()
		customer.Email = good
		assert.Empty(t, validate(&customer, false), good)
	}
}

func TestWhatSpreadsheetsAndExportsDoToValuesMakesARowInvalid(t *testing.T) {
	for code, values := range map[string][]string{
		"rounded_number":        {"9.71501E+11", "9,71501E+11", "1E+12", "9.71501e+11", "9.7E11", "9.7e11", "-1.5E-7", "9E11"},
		"decimal_number":        {"971501234567.0", "12.00", "+971501234567.0"},
		"spreadsheet_error":     {"#N/A", "#n/a", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#NV", "#WERT!", "Err:502", "#ERR:502"},
		"column_too_narrow":     {"###", "#######"},
		"number_digits_lost":    {"#NUMBER! 12345678901234500", "#NUMBER!"},
		"number_zeros_lost":     {"#ZEROS! 501234567"},
		"number_is_date":        {"#DATE! 2026-01-31"},
		"truth_value":           {"#TRUTH! TRUE"},
		"formula_without_value": {"#FORMULA!"},
		"control_character":     {"a\tb", "a\nb", "a\u0085b", "a\x7fb"},
		"direction_character":   {"\u202eabc", "abc\u200f", "a\u2067b", "\u061cليلى"},
		"invisible_character":   {"a\u200bb", "a\ufeff", "an\u00adn", "a\u200cb", "ليلى\u200d", "\u2800", "\u3164", "a\u2060b", "a\U000e0061b"},
		"replacement_character": {"Ren\ufffd"},
		"formula_prefix":        {"'=x", "'+971"},
	} {
		for _, value := range values {
			for f := range fieldCount {
				var p problems
				if isPlain(value) {
					t.Errorf("%q is taken for plain", value)
				}
				p.damage(f, value)
				require.Len(t, p, 1, "%q", value)
				assert.Equal(t, code, p[0].Code, "%q", value)
				assert.Equal(t, f.String(), p[0].Field)
			}
		}
	}
}

func TestValuesThatOnlyLookLikeDamageAreLeftAlone(t *testing.T) {
	for _, value := range []string{
		"", "+971 50 123 4567", "971501234567", "E+1", "12E456", "12E45", "HRB 12E4", "3.14", "1.05", "10.0.0", "Web 2.0", "v1.0", "#1 Bakery", "##", "C#",
		"Err", "Error: none", "می\u200cخواهم", "श्री\u200dमान", "لیلی", "Zoë", "上海", "なな", "O'Neill", "E. E. Cummings", "-", "+", ".", "1e", "e1", "1.", "St. 3e",
	} {
		customer := ann()
		customer.LastName = value + "x"
		if value != "" {
			customer.LastName = value
		}
		assert.Empty(t, validate(&customer, false), "%q", value)
	}
}

func TestSendEmailTakesTheWordsThatPeopleUse(t *testing.T) {
	for word, want := range map[string]string{
		"true": "true", "TRUE": "true", "Yes": "true", "yes": "true", "1": "true", "False": "false", "NO": "false", "no": "false", "0": "false",
	} {
		customer := ann()
		customer.SendEmail = word
		assert.Empty(t, validate(&customer, false), word)
		assert.Equal(t, want, customer.SendEmail, word)
	}
	for _, word := range []string{"y", "ja", "2", "on"} {
		customer := ann()
		customer.SendEmail = word
		problems := validate(&customer, false)
		require.Len(t, problems, 1, word)
		assert.Equal(t, "invalid_send_email", problems[0].Code)
	}
}

func TestAllProblemsOfARowAreTold(t *testing.T) {
	c := Customer{Type: "Person", Email: "nobody", FirstName: "A\u200bnn", MobileNumber: "9.7E+11", SendEmail: "perhaps", ClientID: "7"}
	var codes []string
	for _, p := range validate(&c, false) {
		codes = append(codes, p.Code)
	}
	assert.Equal(t, []string{
		"invalid_customer_type", "missing_last_name", "invalid_customer_email", "invalid_send_email", "invalid_client_id", "rounded_number", "invisible_character",
	}, codes)
}

func TestDoubtfulValuesAreCountedAndSent(t *testing.T) {
	var d Doubts
	rows := []Customer{ann(), ann(), ann(), ann(), ann(), ann(), ann(), ann(), ann(), ann(), ann()}
	rows[0].LastName = "NULL"
	rows[1].MobileNumber = "+971 50 CALL ME"
	rows[2].MobileNumber = "12345"
	rows[3].Email = "jo\u0308rg@example.com" // NFD
	rows[4].Email = "jörg@example.com"       // NFC
	rows[5].Email = "ann@bücher.example"
	rows[6].Email = "ann@xn--bcher-kva.example"
	rows[7].FirstName, rows[7].LastName = `\N`, "None"
	rows[8].LastName = "M?ller"
	rows[9].FirstName = "MÃ¼ller"
	rows[10].FirstName, rows[10].LastName = "Ørjan", "Zoë’s"
	for i := range rows {
		require.Empty(t, validate(&rows[i], false))
		d.See(&Record{Line: int64(i + 2), Raw: []byte(rows[i].LastName), Customer: rows[i]})
	}
	found := map[string][]int64{}
	for _, n := range d.Notices() {
		require.EqualValues(t, len(n.Lines), n.Count)
		found[n.Code] = n.Lines
	}
	assert.Equal(t, map[string][]int64{
		"word_for_nothing": {2, 9}, "letters_in_mobile": {3}, "odd_mobile": {4}, "two_spellings": {6, 8}, "question_mark_in_name": {10}, "misread_name": {11},
	}, found)
}

func TestEachKindOfDamageHasItsCodeAndWords(t *testing.T) {
	all := damage(0)
	for _, d := range damages {
		assert.NotEmpty(t, d.code)
		assert.NotEmpty(t, d.words)
		assert.Zero(t, all&d.kind, d.code)
		all |= d.kind
	}
	assert.Equal(t, prefix<<1-1, all, "prefix is the last of them")
}
