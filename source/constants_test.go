package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesKeepNoValueOfACustomerAndDigestsOfTheOthers(t *testing.T) {
	kept := KeepConstants([]string{"last_name= Lee ", "sendEmail=TRUE", "formId=kyc", "customerType=Individual", "clientId=7a7f6f3e-5b0f-4f0e-9a55-3a1d0a6f1c11"}, "run")
	require.Len(t, kept, 5)
	assert.Equal(t, []KeptConstant{{Field: "formId", Value: "kyc"}, {Field: "customerType", Value: "Individual"}}, kept[:2])
	assert.Equal(t, "clientId", kept[2].Field)
	assert.Equal(t, KeptConstant{Field: "sendEmail", Value: "true"}, kept[3])
	assert.Regexp(t, "^[0-9a-f]{5}$", kept[4].Digest)
	for _, k := range kept {
		assert.NotEqual(t, k.Value == "", k.Digest == "", k.Field)
	}
	assert.Equal(t, kept[4:], KeepConstants([]string{"lastName=Lee"}, "run"), "however it is spelt")
}

func TestADigestIsOfOneValueOneFieldAndOneRun(t *testing.T) {
	digest := func(set, run string) string { return KeepConstants([]string{set}, run)[0].Digest }
	seen := map[string]bool{}
	for _, d := range []string{digest("lastName=Lee", "run"), digest("lastName=lee", "run"), digest("firstName=Lee", "run"), digest("lastName=Lee", "another")} {
		assert.False(t, seen[d])
		seen[d] = true
	}
}

// TestADigestOfAnEarlierVersionIsOfTheSameValue: what files have, every version
// finds again, and is as slow about it.
func TestADigestOfAnEarlierVersionIsOfTheSameValue(t *testing.T) {
	c := constant{field: lastName, value: "Lee"}
	assert.Equal(t, "ebd6e", c.digestBy("20260131T020000Z-abcdef", 600_000))
	assert.Equal(t, 600_000, digestIterations)
}

// TestResultsCanBeReadWithoutTheValuesOfTheirRun, whatever field these were of.
func TestResultsCanBeReadWithoutTheValuesOfTheirRun(t *testing.T) {
	for f := range fieldCount {
		if !f.isDetail() || f == customerEmail {
			continue
		}
		text := "customerType,customerEmail,firstName,lastName\nIndividual,a@example.com,A,B\n"
		if f.group() == companyGroup {
			text = "customerType,customerEmail,fullName,registrationNumber,tradingName\nLegalEntity,a@example.com,A,B,C\n"
		}
		kept := KeptConstant{Field: f.String(), Digest: "01234"}
		l, err := Open(strings.NewReader(text), Options{Map: []string{f.String() + "="}, Set: []string{kept.StandIn()}, Results: true})
		require.NoError(t, err, f)
		assert.Empty(t, collect(t, l)[0].Problems, f)
	}
}
