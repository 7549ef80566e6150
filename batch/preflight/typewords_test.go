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

func TestAColumnOfManyWordsIsNotShown(t *testing.T) {
	var w TypeWords
	assert.Empty(t, w.String())
	for i := range 11 {
		w.add(fmt.Sprint("Name", i))
	}
	assert.Contains(t, w.String(), "wrong column")
	assert.NotContains(t, w.String(), "Name")
	w = TypeWords{}
	w.add("ann@example.com")
	assert.NotContains(t, w.String(), "example")
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
