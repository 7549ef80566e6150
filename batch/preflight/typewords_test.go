package preflight

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/measure"
	"bulkonboard/source"
)

func TestOtherWordsInCustomerTypeAreShownWithTheirCounts(t *testing.T) {
	text := "customerType,customerEmail,firstName,lastName\n"
	for i, word := range []string{"Person", "C", "Person", "P", "Individual", "Person", "C", ""} {
		text += fmt.Sprintf("%s,c%d@example.com,A,B\n", word, i)
	}
	err := CheckInvalid(measure.Limit{}, preflightOfText(t, text))
	require.Error(t, err)
	assert.Contains(t, err.Error(), `customerType has words other than Individual and LegalEntity: "Person" in 3 rows, "C" in 2 rows, "P" in 1 row; `)
	assert.Contains(t, err.Error(), "--map customerType=")
}

func TestAWordInCustomerTypeThatMayBeANameIsNotShown(t *testing.T) {
	for word, shown := range map[string]bool{
		"": true, "P": true, "02": true, "-": true, "Natural person": true, "LEGAL_ENTITY": true, "Privatkunde": true, "Natürliche Person": true, "company (B)": true,
		"Ann": false, "Lee, A": false, "A B": false, "Ann Person": false, "ann@example.com": false, "1980-02-29": false, "+49 1": false, "P\x00": false,
	} {
		var w TypeWords
		assert.Empty(t, w.String())
		w.add(word)
		w.add(word)
		text := w.String()
		assert.Contains(t, text, "2 rows", word)
		assert.Equal(t, shown, strings.Contains(text, fmt.Sprintf("%q in 2 rows", word)), text)
		assert.Equal(t, !shown, strings.Contains(text, "wrong column"), text)
		w.add("Person")
		assert.Contains(t, w.String(), `"Person" in 1 row`)
		assert.Equal(t, !shown, strings.Contains(w.String(), "may be names in 2 rows"), w.String())
	}
}

func TestNoMoreThanTenWordsInCustomerTypeAreShown(t *testing.T) {
	var w TypeWords
	for i := range 12 {
		w.add(fmt.Sprint(i))
	}
	assert.Len(t, w.Rows, 10)
	assert.EqualValues(t, 2, w.Others)
}

func TestARowWithSeveralProblemsIsInAGroupForEach(t *testing.T) {
	f := preflightOfText(t, "customerType,customerEmail,customerMobileNumber,firstName,lastName\nPerson,nobody,9.7E+11,A,\nIndividual,b@example.com,,B,B\n")
	assert.EqualValues(t, 1, f.Invalid)
	for _, code := range []string{"invalid_customer_type customerType", "invalid_customer_email customerEmail", "rounded_number customerMobileNumber", "missing_last_name lastName"} {
		require.Contains(t, f.Errors, code)
		assert.EqualValues(t, 1, f.Errors[code].Count)
	}
}

func TestDoubtfulValuesAreNoticesOfTheForecast(t *testing.T) {
	f := preflightOfText(t, "customerType,customerEmail,firstName,lastName\nIndividual,a@example.com,A,NULL\nIndividual,b@example.com,B,None\n")
	require.Len(t, f.Notices, 1)
	assert.Equal(t, "word_for_nothing", f.Notices[0].Code)
	assert.EqualValues(t, 2, f.Notices[0].Count)
	assert.Equal(t, []int64{2, 3}, f.Notices[0].Lines)
	assert.EqualValues(t, 2, f.Calls)
}

func preflightOfText(t *testing.T, text string) *Forecast {
	t.Helper()
	list, err := source.Open(strings.NewReader(text), source.Options{})
	require.NoError(t, err)
	p := Preflight{List: list, Scratch: scratchFile(t)}
	f, _, err := p.Run(t.Context())
	require.NoError(t, err)
	return f
}
