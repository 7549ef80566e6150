package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	crmHeader = "E-mail,Given name,Surname,Mobile\n"
	crmRow    = "ann@example.com,Ann,Lee,+97150\n"
)

// fourFlags are those that the refusal of crmHeader spells out.
func fourFlags() Options {
	return Options{
		Map: []string{"customerEmail=E-mail", "firstName=Given name", "lastName=Surname"},
		Set: []string{"customerType=Individual"},
	}
}

func TestWhatAHeaderLacksIsAnsweredWithTheFlagsToType(t *testing.T) {
	cases := []struct {
		name, header string
		hint         []string
		never        string
	}{
		{"a CRM", "E-mail,Given name,Surname,Mobile", []string{
			"  --map customerEmail=E-mail --map firstName=\"Given name\" --map lastName=Surname\n",
			"  --map customerMobileNumber=Mobile",
		}, "COLUMN"},
		{"companies", "Company;Reg. No.;Trade Name;Contact E-mail", []string{
			"--map customerEmail=\"Contact E-mail\" --map fullName=Company --map registrationNumber=\"Reg. No.\" --map tradingName=\"Trade Name\"",
		}, "Individual"},
		{"German", "Vorname;Nachname;E-Mail-Adresse;Telefon;Mobil;Firma;Land", []string{
			"  --map customerEmail=E-Mail-Adresse --map firstName=Vorname --map lastName=Nachname\n",
			"ignored unless you map them):\n  --map customerMobileNumber=Mobil\n  --map customerMobileNumber=Telefon\n  --map fullName=Firma\n",
		}, "COLUMN"},
		{"French", "Prénom;Nom;Courriel;Téléphone;Société", []string{
			"  --map customerEmail=Courriel --map firstName=\"Prénom\" --map lastName=Nom\n",
			"  --map customerMobileNumber=\"Téléphone\"\n  --map fullName=\"Société\"\n",
		}, "COLUMN"},
		{"slips of the pen", "custmerType,customerEmial,firstNam,lastName", []string{
			"--map customerType=custmerType --map customerEmail=customerEmial --map firstName=firstNam",
		}, "--set"},
		{"a type of another name", "Client Type,mail,firstName,lastName", []string{"--map customerType=\"Client Type\" --map customerEmail=mail"}, "--set"},
		{"nothing alike", "a,b,c", []string{"name it with --map customerEmail=COLUMN", "--map firstName=COLUMN"}, "--map customerEmail=a"},
		{"two that could be meant", "E-mail,Work e-mail,customerType,firstName,lastName", []string{
			"  --map customerEmail=E-mail\n", "other possible matches (ignored unless you map them):\n  --map customerEmail=\"Work e-mail\"",
		}, "COLUMN"},
		{"names that a shell would take apart", "$E-mail!,customerType,firstName,lastName", []string{"'$E-mail!'"}, "\"$"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wrong := openRefused(t, c.header+"\n", Options{})
			assert.Contains(t, wrong.Reason, "the header lacks ")
			for _, hint := range c.hint {
				assert.Contains(t, wrong.Hint+"\n", hint)
			}
			assert.NotContains(t, wrong.Hint, c.never)
		})
	}
}

func TestTheTypeOfACustomerFollowsFromTheDetailsWhereNoColumnSaysIt(t *testing.T) {
	rows := "a@example.com,A,B,,,\nb@example.com,,,Acme LLC,7,Acme\nc@example.com,C,D,Acme LLC,7,Acme\nd@example.com,,,,,\ne@example.com,E,,,,\n"
	columns := "customerEmail,firstName,lastName,fullName,registrationNumber,tradingName"
	want := [][]string{nil, nil, {"both_details"}, {"missing_details"}, {"missing_last_name"}}
	types := []string{"Individual", "LegalEntity", "", "", "Individual"}
	for name, l := range map[string]struct {
		text string
		o    Options
	}{
		"no column":        {columns + "\n" + rows, Options{}},
		"--map to nothing": {"customerType," + columns + "\nP," + strings.ReplaceAll(strings.TrimSuffix(rows, "\n"), "\n", "\nCompany,") + "\n", Options{Map: []string{"customerType="}}},
		"JSONL": {
			`{"customerEmail":"a@example.com","customerType":"P","firstName":"A","lastName":"B"}` + "\n" +
				`{"customerEmail":"b@example.com","company":{"fullName":"Acme LLC","registrationNumber":"7","tradingName":"Acme"}}` + "\n" +
				`{"customerEmail":"c@example.com","firstName":"C","lastName":"D","fullName":"Acme LLC","registrationNumber":"7","tradingName":"Acme"}` + "\n" +
				`{"customerEmail":"d@example.com"}` + "\n" + `{"customerEmail":"e@example.com","firstName":"E"}` + "\n",
			Options{Map: []string{"customerType="}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := Open(strings.NewReader(l.text), l.o)
			require.NoError(t, err)
			assert.Contains(t, list.Mapping(), "customerType from the details")
			recs := collect(t, list)
			require.Len(t, recs, len(want))
			for i, rec := range recs {
				assert.Equal(t, want[i], codes(rec), i)
				assert.Equal(t, types[i], rec.Customer.Type, i)
			}
		})
	}
}

func TestTheOnlyDetailOfAnotherKindIsTheOneAtFault(t *testing.T) {
	_, recs := readAll(t, "customerType,customerEmail,firstName,lastName,fullName,registrationNumber,tradingName\n"+
		"Individual,a@example.com,A,B,,7,\nLegalEntity,b@example.com,,B,Acme LLC,7,Acme\nIndividual,c@example.com,A,B,Acme LLC,7,\nIndividual,d@example.com,A,,Acme LLC,,\n")
	for i, field := range []string{"registrationNumber", "lastName", "", ""} {
		require.Equal(t, []string{BothDetails}, codes(recs[i]), i)
		assert.Equal(t, field, recs[i].Problems[0].Field, i)
	}
	assert.Equal(t, "the row has details of an individual (firstName, lastName) and of a company (fullName, registrationNumber); it must have one of them", recs[2].Problems[0].Message)
}

func TestSendEmailInJSONTakesOneAndZero(t *testing.T) {
	_, recs := readAll(t, `{"sendEmail":1,"customerType":"Individual","customerEmail":"a@example.com","firstName":"A","lastName":"B"}`+"\n"+
		`{"sendEmail":2,"customerType":"Individual","customerEmail":"a@example.com","firstName":"A","lastName":"B"}`+"\n")
	assert.Empty(t, recs[0].Problems)
	assert.Equal(t, "true", recs[0].Customer.SendEmail)
	assert.Equal(t, []string{"invalid_send_email"}, codes(recs[1]))
}

func TestAListRunsWithTheFlagsThatWereSpeltOut(t *testing.T) {
	l, err := Open(strings.NewReader(crmHeader+crmRow), fourFlags())
	require.NoError(t, err)
	recs := collect(t, l)
	require.Len(t, recs, 1)
	assert.Empty(t, recs[0].Problems)
	assert.Equal(t, Customer{Type: "Individual", Email: "ann@example.com", FirstName: "Ann", LastName: "Lee"}, recs[0].Customer)
	assert.Equal(t, []MappedField{
		{Field: "customerType", Constant: `"Individual"`},
		{Field: "customerEmail", Column: "E-mail", Number: 1},
		{Field: "firstName", Column: "Given name", Number: 2},
		{Field: "lastName", Column: "Surname", Number: 3},
	}, l.MappingTable())
	assert.Equal(t, `customerType is "Individual" customerEmail="E-mail" firstName="Given name" lastName="Surname"`, l.Mapping())
}

func TestAMappedColumnIsTheOneThatWasNamed(t *testing.T) {
	cases := []struct {
		name, header string
		maps         []string
		email, last  string
	}{
		{"leniently", "type,MAIL_2,firstName,lastName", []string{"customerType=Type", "customerEmail=mail 2"}, "m@example.com", "L"},
		{"exactly, where two are alike", "customerType,e-mail,E_Mail,lastName", []string{"customerEmail=e-mail", "firstName=E_Mail"}, "m@example.com", "L"},
		{"instead of the field's own", "customerType,mail,customerEmail,lastName", []string{"customerEmail=mail", "firstName=customer email"}, "m@example.com", "L"},
		{"with a line break in its name", "customerType,\"E-mail\nAddress\",firstName,lastName", []string{"customerEmail=E-mail Address"}, "m@example.com", "L"},
		{"for two fields", "customerType,mail,firstName,x", []string{"customerEmail=mail", "lastName=firstName", "firstName=firstName"}, "m@example.com", "F"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, err := Open(strings.NewReader(c.header+"\nIndividual,m@example.com,F,L\n"), Options{Map: c.maps})
			require.NoError(t, err)
			rec := collect(t, l)[0]
			assert.Empty(t, rec.Problems)
			assert.Equal(t, c.email, rec.Customer.Email)
			assert.Equal(t, c.last, rec.Customer.LastName)
			assert.Equal(t, "F", rec.Customer.FirstName)
		})
	}
}

func TestAFieldCanBeReadFromNowhere(t *testing.T) {
	text := "formId,customerType,customerEmail,firstName,lastName\nx,person,a@example.com,A,B\n"
	l, err := Open(strings.NewReader(text), Options{Map: []string{"formId=", "customerType="}, Set: []string{"customerType=Individual"}})
	require.NoError(t, err)
	rec := collect(t, l)[0]
	assert.Empty(t, rec.Problems)
	assert.Empty(t, rec.Customer.FormID)
	assert.Equal(t, "Individual", rec.Customer.Type)
	assert.Equal(t, "person", rec.Cells[1])
}

func TestAMappingThatContradictsTheHeaderIsRefused(t *testing.T) {
	cases := []struct {
		name, header string
		maps, sets   []string
		reason, hint string
	}{
		{"no such column", crmHeader, []string{"customerEmail=Post address"}, nil, `--map customerEmail="Post address": the header has no such column`, "--map customerEmail=E-mail"},
		{"two that fit", "a_b,A-B,customerType,firstName,lastName\n", []string{"customerEmail=ab"}, nil, `fits the columns "a_b" and "A-B"`, "exactly"},
		{"a constant for a column", header, nil, []string{"customerType=Individual"}, `--set customerType contradicts column 1 "customerType"`, "--map customerType="},
		{"two columns of one field", "customerEmail," + strings.Replace(header, "Email", "_email", 1), nil, nil, "are both customerEmail", "--map customerEmail=customer_email"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wrong := openRefused(t, c.header, Options{Map: c.maps, Set: c.sets})
			assert.Contains(t, wrong.Reason, c.reason)
			assert.Contains(t, wrong.Hint, c.hint)
		})
	}
}

func TestOptionsThatAreWrongByThemselvesAreSaidAllAtOnce(t *testing.T) {
	o := Options{
		Encoding: "nonsense",
		Map:      []string{"mail", "custmerEmail=x", "lastName=Sur", "lastName=Name", "fullName=trading_name", "clientId=c"},
		Set:      []string{"customerType=individual", "sendEmail=perhaps", "customerEmail=a@example.com", "lastName=x", "clientId=7", "formId=", "employeeId=1", "employeeId=2", "firstName=a\tb"},
	}
	says := []string{
		"--encoding is \"nonsense\"",
		"--map is \"mail\"; it takes FIELD=COLUMN",
		"--map custmerEmail: there is no such field; did you mean customerEmail?",
		"--map lastName is given twice",
		"--set customerType: customerType must be exactly",
		"--set sendEmail: sendEmail is neither",
		"--set customerEmail would make every row the same customer",
		"--map lastName and --set lastName contradict",
		"--map clientId and --set clientId contradict",
		"--set formId has no value",
		"--set employeeId is given twice",
		"--set firstName: firstName contains a control character",
		"--map fullName=trading_name: that column is read as tradingName already",
	}
	got := o.Check()
	require.Len(t, got, len(says), strings.Join(got, "\n"))
	for i, want := range says {
		assert.Contains(t, got[i], want)
	}
	assert.Empty(t, (&Options{Map: []string{"Customer_Email=x"}, Set: []string{"sendEmail=TRUE", "customerType=LegalEntity"}}).Check())
}

func TestMembersAreMappedByNameAndByPath(t *testing.T) {
	o := Options{
		Map: []string{"customerEmail=contact.e-mail", "firstName=name.given", "lastName=name.family", "fullName="},
		Set: []string{"customerType=Individual"},
	}
	cases := []struct {
		name, line string
		codes      []string
	}{
		{"by path", `{"contact":{"E_Mail":"a@example.com","x":1},"name":{"given":"A","family":"B"}}`, nil},
		{"flat", `{"contactEmail":"a@example.com","name.given":"A","nameFamily":"B","fullName":"A B"}`, nil},
		{"no guess by the letters alone", `{"con":{"tactemail":"a@example.com"},"name":{"given":"A","family":"B"}}`, []string{"missing_customer_email"}},
		{"twice", `{"contactEmail":"a@example.com","contact":{"email":"b@example.com"},"name":{"given":"A","family":"B"}}`, []string{"duplicate_member"}},
		{"its own name is not read", `{"contact":{"email":"a@example.com"},"firstName":"A","name":{"family":"B"}}`, []string{"missing_first_name"}},
		{"a constant that is there already", `{"customerType":"Individual","contact":{"email":"a@example.com"},"name":{"given":"A","family":"B"}}`, []string{"set_twice"}},
		{"a constant and null", `{"customerType":null,"contact":{"email":"a@example.com"},"name":{"given":"A","family":"B"}}`, nil},
		{"no string", `{"contact":{"email":["a@example.com"]},"name":{"given":"A","family":"B"}}`, []string{"wrong_type"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, err := Open(strings.NewReader(c.line+"\n"), o)
			require.NoError(t, err)
			assert.Equal(t, `members by name fullName from nowhere customerType is "Individual" customerEmail="contact.e-mail" firstName="name.given" lastName="name.family"`, l.Mapping())
			recs := collect(t, l)
			require.Len(t, recs, 1)
			assert.Equal(t, c.codes, codes(recs[0]))
			if c.codes == nil {
				assert.Equal(t, Customer{Type: "Individual", Email: "a@example.com", FirstName: "A", LastName: "B"}, recs[0].Customer)
			}
		})
	}
}

func TestADelimiterThatIsGivenIsTaken(t *testing.T) {
	text := "customerType,x|customerEmail|firstName|lastName,y,z,a,b,c\nIndividual|a@example.com|A|B\n"
	o := Options{Map: []string{"customerType=customerType,x", "lastName=lastName,y,z,a,b,c"}}
	assert.Contains(t, openRefused(t, text, o).Reason, "no such column")
	o.Delimiter = '|'
	l, err := Open(strings.NewReader(text), o)
	require.NoError(t, err)
	assert.Empty(t, collect(t, l)[0].Problems)
	assert.Contains(t, l.Mapping(), "cut at '|'")
	assert.Contains(t, openRefused(t, "{}\n", Options{Delimiter: ';'}).Reason, "the list is JSONL")

	for typed, want := range map[string]rune{"": 0, ",": ',', ";": ';', "|": '|', "tab": '\t', `\t`: '\t', "\t": '\t'} {
		got, err := ParseDelimiter(typed)
		assert.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err = ParseDelimiter("::")
	assert.ErrorContains(t, err, "--delimiter is \"::\"")
}

func TestWhatAPrefixHidesIsNeverSentAsAValue(t *testing.T) {
	text := "customerType,customerEmail,firstName,lastName,customerMobileNumber,note\nIndividual,a@example.com,A,''t Hart,'+97150,''=x\n"
	_, recs := readAll(t, text)
	assert.Equal(t, []string{"formula_prefix"}, codes(recs[0]))

	l, err := Open(strings.NewReader(text), Options{FormulaSafe: true})
	require.NoError(t, err)
	rec := collect(t, l)[0]
	assert.Empty(t, rec.Problems)
	assert.Equal(t, "+97150", rec.Customer.MobileNumber)
	assert.Equal(t, "''t Hart", rec.Customer.LastName)
	assert.Equal(t, "'=x", rec.Cells[5])
}

func FuzzAPrefixCanBeTakenBack(f *testing.F) {
	f.Add("=1")
	f.Add("''-x")
	f.Fuzz(func(t *testing.T, cell string) {
		safe := WithPrefix(cell)
		assert.False(t, startsFormula(safe))
		cells := []string{safe}
		withoutPrefix(cells)
		assert.Equal(t, cell, cells[0])
	})
}
