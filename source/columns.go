package source

import (
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"
)

// columns holds, for every canonical field, the number of the column that has
// it, or nil. gocsv binds it to the header once a list, so that a row is then
// plain indexing: binding every row by reflection would cost more than all the
// rest of reading it.
type columns struct {
	FormID             *int `csv:"formId"`
	Type               *int `csv:"customerType"`
	Email              *int `csv:"customerEmail"`
	MobileNumber       *int `csv:"customerMobileNumber"`
	EmployeeID         *int `csv:"employeeId"`
	ClientID           *int `csv:"clientId"`
	SendEmail          *int `csv:"sendEmail"`
	FirstName          *int `csv:"firstName"`
	LastName           *int `csv:"lastName"`
	FullName           *int `csv:"fullName"`
	RegistrationNumber *int `csv:"registrationNumber"`
	TradingName        *int `csv:"tradingName"`
}

// columnsAt binds the fields to the numbers of their columns. One column may
// have two fields.
func columnsAt(at columnNumbers) (columns, error) {
	var names, numbers []string
	for f, number := range at {
		if number > 0 {
			names = append(names, field(f).String())
			numbers = append(numbers, strconv.Itoa(number-1))
		}
	}
	var rows []columns
	table := strings.Join(names, ",") + "\n" + strings.Join(numbers, ",") + "\n"
	if err := gocsv.UnmarshalString(table, &rows); err != nil {
		return columns{}, err
	}
	return rows[0], nil
}

// customer takes a row's values by their columns.
func (c *columns) customer(cells []string) Customer {
	at := func(column *int) string {
		if column == nil {
			return ""
		}
		return strings.TrimSpace(cells[*column])
	}
	return Customer{
		FormID:             at(c.FormID),
		Type:               at(c.Type),
		Email:              at(c.Email),
		MobileNumber:       at(c.MobileNumber),
		EmployeeID:         at(c.EmployeeID),
		ClientID:           at(c.ClientID),
		SendEmail:          at(c.SendEmail),
		FirstName:          at(c.FirstName),
		LastName:           at(c.LastName),
		FullName:           at(c.FullName),
		RegistrationNumber: at(c.RegistrationNumber),
		TradingName:        at(c.TradingName),
	}
}
