package source

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// readBoth reads an object in both ways, each beginning on what the other left.
func readBoth(o *object, text string) (quick, whole Customer, ok bool, err error) {
	o.begin(&quick)
	ok = o.readPlain(text)
	o.begin(&whole)
	err = o.read(text)
	return quick, whole, ok, err
}

func manyMembers(n int) string {
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(`"%d":""`, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestOnlyPlainObjectsAreReadQuickly(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		plain bool
	}{
		"flat":                      {`{"customerType":"Individual","customerEmail":"ann@example.com","firstName":"Ann","lastName":"Lee"}`, true},
		"nested":                    {`{"customerEmail":"ann@example.com","individual":{"firstName":"Ann","lastName":"Lee"}}`, true},
		"spaced":                    {" {\t\"customerEmail\" :\r\" ann@example.com \" , \"company\": { \"fullName\":\"Žižkov 上海\" } } ", true},
		"other values":              {`{"id":4711,"zero":0,"vip":true,"ex":false,"note":null,"customer_email":"a@example.com"}`, true},
		"a null for a field":        {`{"customerEmail":null,"customer_email":"a@example.com","sendEmail":null}`, true},
		"true for sendEmail":        {`{"sendEmail":true}`, true},
		"a number for sendEmail":    {`{"sendEmail":10}`, true},
		"two of sendEmail":          {`{"sendEmail":true,"send_email":false}`, false},
		"a number for a field":      {`{"customerMobileNumber":971501234567}`, false},
		"a field in two spellings":  {`{"customerEmail":"a@example.com","customer_email":"b@example.com"}`, false},
		"a name twice":              {`{"note":"a","note":"b"}`, false},
		"a name twice within":       {`{"company":{"x":"a","x":"b"}}`, false},
		"escapes":                   {`{"firstName":"Jos\u00e9"}`, false},
		"a group spelt otherwise":   {`{"Individual":{"firstName":"Ann"}}`, false},
		"an unknown object":         {`{"address":{"city":"Dubai"}}`, false},
		"a list":                    {`{"tags":[]}`, false},
		"a fraction":                {`{"balance":1.5}`, false},
		"a leading zero":            {`{"id":007}`, false},
		"no members":                {`{}`, false},
		"an earlier result":         {`{"customerEmail":"a@example.com","onboarding":{"attempts":1}}`, false},
		"and one that is no object": {`{"customerEmail":"a@example.com","onboarding":null}`, false},
		"the name of one within":    {`{"company":{"onboarding":"x"}}`, true},
		"a long name":               {`{"` + strings.Repeat("n", longestName-3) + `":""}`, true},
		"a longer one":              {`{"` + strings.Repeat("n", longestName-2) + `":""}`, false},
		"no opening brace":          {`}`, false},
		"cut off":                   {`{"customerEmail":"a@example.com"`, false},
		"something behind":          {`{"customerEmail":"a@example.com"}{}`, false},
		"a comma too many":          {`{"customerEmail":"a@example.com",}`, false},
		"a control character":       {"{\"firstName\":\"a\tb\"}", false},
		"as many as are compared":   {manyMembers(32), true},
		"more members":              {manyMembers(33), false},
	} {
		t.Run(name, func(t *testing.T) {
			quick, whole, ok, err := readBoth(&object{mapping: &mapping{}}, c.text)
			require.Equal(t, c.plain, ok)
			if ok {
				require.NoError(t, err)
				require.Equal(t, whole, quick)
			}
		})
	}
}

func TestAnObjectIsRepeatedAsItIsWhereNothingHasToBeTakenOutOfIt(t *testing.T) {
	for text, plain := range map[string]string{
		`{"firstName":"Zoë", "vip":true}`:       `{"firstName":"Zoë", "vip":true`,
		`{"firstName":"a","x":{}}`:              "",
		` {"firstName":"a"}`:                    "",
		`{"firstName":"a"} `:                    "",
		`{ "firstName":"a"}`:                    "",
		`{"firstName":"a" }`:                    "",
		"{\"firstName\":\r\"a\"}":               "",
		`{"firstName":"a","onboarding":"x"}`:    "",
		`{"firstName":"a","onboardin\u0067":1}`: "",
		`["firstName"]`:                         "",
		"{\"firstName\":\"\xff\"}":              "",
	} {
		_, recs := readAll(t, "{}\n"+text+"\r\n")
		require.Equal(t, plain, recs[1].Text[:recs[1].Plain], text)
	}
	l, err := Open(strings.NewReader("\xff\xfe"+inUTF16("{\"a\":1}\n")), Options{})
	require.NoError(t, err)
	for rec := range l.Records() {
		require.Equal(t, `{"a":1`, rec.Text[:rec.Plain], "of the text, whatever bytes that was")
	}
}

func TestAMappedObjectIsNotReadQuickly(t *testing.T) {
	for _, m := range []string{"customerEmail=mail", "customerEmail="} {
		o := Options{Map: []string{m}}
		mapped, wrong := o.mapping()
		require.Empty(t, wrong)
		_, _, ok, err := readBoth(&object{mapping: &mapped}, `{"customerEmail":"a@example.com"}`)
		require.NoError(t, err)
		require.False(t, ok)
	}
}

func FuzzAPlainObjectReadsTheSame(f *testing.F) {
	f.Add(`{"customerType":"Individual","customerEmail":"ann@example.com","individual":{"firstName":"Zoë","lastName":" Lee "},"id":10,"vip":true}`)
	f.Add("{ \"company\" : {\"fullName\":\"a\",\"x\":null,\"customerEmail\":\"b\"},\r\"Company_FullName\":\"c\"}\n")
	f.Add(`{"firstName":"a","sendEmail":"TRUE","form-ID":"f","individual.lastName":"b","x":0}`)
	f.Add(`{"a":01}`)
	f.Add("{\"sendEmail\":true,\"employeeId\":null,\"EmployeeID\":\"7\"}\n{\"sendEmail\":null,\"send-email\":0}\n{\"sendEmail\":01}")
	f.Add(`{"onboarding":"x","formid":"\u0041"}`)
	f.Add("{\"a\":0,\"b\":0,\"c\":0}\n{\"c\":0}\n{\"c\":0,\"b\":0,\"c\":0}\n{\"a\":0,\"b\":0,\"b\":0}")
	f.Add("{\"lastName\":\"a\"}\n{\"lastname\":\"a\"}\n{\"lastName\" :\"b\"}\n{\"individual\":{\"lastName\":\"c\"}}\n{\"company\":{\"lastName\":\"d\"}}")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // as no record's text is
		}
		o := &object{mapping: &mapping{}}
		for line := range strings.SplitSeq(text, "\n") {
			quick, whole, ok, err := readBoth(o, line)
			_, _, alone, _ := readBoth(&object{mapping: &mapping{}}, line)
			require.Equal(t, alone, ok, "whatever came before")
			if !ok {
				continue
			}
			require.NoError(t, err)
			require.Empty(t, o.problems)
			require.Equal(t, whole, quick)
		}
	})
}
