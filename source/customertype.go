package source

import "slices"

// typeOf is the type that the details of a customer tell, and nothing where they
// are of both types or of neither: that is not guessed.
func typeOf(c *Customer) string {
	switch individual, company := c.hasIndividual(), c.hasCompany(); {
	case individual && !company:
		return individualType
	case company && !individual:
		return companyType
	}
	return ""
}

func (c *Customer) hasIndividual() bool { return c.FirstName != "" || c.LastName != "" }

func (c *Customer) hasCompany() bool {
	return c.FullName != "" || c.RegistrationNumber != "" || c.TradingName != ""
}

// TypeFollows reports that the list does not say the type of a customer, which
// follows from the details of each row.
func (l *List) TypeFollows() bool { return l.mapping.typeFollows }

// validate finds the problems of a customer. Where the type follows from the
// details, it is not missing: these are.
func (l *List) validate(c *Customer, simple bool) []Problem {
	problems := validate(c, simple)
	if l.mapping.typeFollows && c.Type == "" {
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Code == "missing_customer_type" })
	}
	return problems
}
