package source

import (
	"fmt"
	"slices"
	"strings"
)

// delimiters are those looked for in a header.
const delimiters = ",;\t|"

// delimiterOf finds the delimiter that cuts a header into the most cells.
func delimiterOf(text string) byte {
	best, most := byte(','), 1
	for i := range len(delimiters) {
		cells, state, _ := cutCells(nil, text, delimiters[i])
		if state == cutWhole && len(cells) > most {
			best, most = delimiters[i], len(cells)
		}
	}
	return best
}

// canonicalHeader gives for every column the canonical name of its field, or
// nothing. It refuses what could put a value into the wrong field.
func canonicalHeader(header []string) ([]string, error) {
	canonical := make([]string, len(header))
	seen := map[string]string{}
	for i, name := range header {
		key := strings.ToLower(strings.TrimSpace(name))
		f, known := fieldOf(name)
		if known {
			canonical[i] = f.String()
			key = f.String()
		}
		if key == "" {
			return nil, &ListError{
				Line: 1, Reason: fmt.Sprintf("the header of column %d is empty", i+1),
				Hint: "give every column a name",
			}
		}
		if before, twice := seen[key]; twice {
			return nil, &ListError{
				Line: 1, Reason: fmt.Sprintf("the columns %q and %q are the same", before, name),
				Hint: "rename or remove one of them: which of the two is meant cannot be guessed",
			}
		}
		seen[key] = name
	}
	return canonical, nil
}

// checkHeader refuses a header without which every row would be invalid.
func checkHeader(header, canonical []string) error {
	if slices.ContainsFunc(header, func(cell string) bool { return isEmail(strings.TrimSpace(cell)) }) {
		return &ListError{
			Line: 1, Reason: "the first line has an e-mail address in it, so it looks like a customer and not like a header",
			Hint: "put a header line first: " + strings.Join(FieldNames(), ","),
		}
	}
	var missing []string
	for _, f := range []field{customerType, customerEmail} {
		if !slices.Contains(canonical, f.String()) {
			missing = append(missing, f.String())
		}
	}
	if !hasAll(canonical, individualFields()) && !hasAll(canonical, companyFields()) {
		missing = append(missing, "firstName and lastName, or fullName, registrationNumber and tradingName")
	}
	if len(missing) == 0 {
		return nil
	}
	return &ListError{
		Line:   1,
		Reason: "the header lacks " + strings.Join(missing, "; "),
		Hint: fmt.Sprintf("the header has: %s\nrename the columns to: %s (case, spaces, _, - and . do not matter)",
			strings.Join(header, ", "), strings.Join(FieldNames(), ", ")),
	}
}

func hasAll(canonical []string, fields []field) bool {
	for _, f := range fields {
		if !slices.Contains(canonical, f.String()) {
			return false
		}
	}
	return true
}
