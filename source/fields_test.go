package source

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// filled is a customer whose every field has a value of its own: its name.
func filled(t *testing.T) Customer {
	require.Equal(t, int(fieldCount), reflect.TypeFor[Customer]().NumField(), "a field that is not in the table is read, sent and compared nowhere")
	return Customer{
		FormID: "formId", Type: "customerType", Email: "customerEmail", MobileNumber: "customerMobileNumber", EmployeeID: "employeeId",
		ClientID: "clientId", SendEmail: "sendEmail", FirstName: "firstName", LastName: "lastName", FullName: "fullName",
		RegistrationNumber: "registrationNumber", TradingName: "tradingName",
	}
}

func TestTheTableOfFieldsHasEveryFieldOfACustomer(t *testing.T) {
	c := filled(t)
	n := 0
	for f, value := range c.Fields() {
		assert.Equal(t, f.Name, value)
		assert.NotEmpty(t, f.Name)
		assert.Equal(t, f, &fieldTable[n])
		n++
	}
	assert.EqualValues(t, fieldCount, n)
}

func TestEveryFieldIsReadFromItsColumnAndItsMember(t *testing.T) {
	l, err := Open(strings.NewReader(strings.Join(fieldNames(), ",")+"\n"+strings.Join(fieldNames(), ",")+"\n"), Options{})
	require.NoError(t, err)
	assert.Equal(t, filled(t), clean(collect(t, l)[0].Customer))

	var members []string
	for _, f := range fieldTable {
		members = append(members, `"`+f.Name+`":"`+f.Name+`"`)
	}
	l, err = Open(strings.NewReader("{"+strings.Join(members, ",")+"}\n"), Options{})
	require.NoError(t, err)
	assert.Equal(t, filled(t), clean(collect(t, l)[0].Customer))
}

// clean undoes the normalising of sendEmail.
func clean(c Customer) Customer {
	c.SendEmail = "sendEmail"
	return c
}

func TestARequestHasTheFieldsOfTheCustomersTypeAndThoseThatHaveAValue(t *testing.T) {
	sent := func(c Customer) (names []string) {
		for f := range c.Sent() {
			names = append(names, f.Name)
		}
		return names
	}
	all := filled(t)
	all.Type = individualType
	assert.Equal(t, fieldNames()[:lastName+1], sent(all))
	all.Type = companyType
	assert.Equal(t, append(fieldNames()[:firstName:firstName], "fullName", "registrationNumber", "tradingName"), sent(all))
	assert.Equal(t, []string{"formId", "customerType", "customerEmail", "firstName", "lastName"}, sent(Customer{Type: individualType}))
}
