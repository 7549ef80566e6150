package source

import (
	"strings"
	"unicode"
)

// folded is a name as names are compared: in lower case, without white space,
// "_", "-" and ".".
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '_' || r == '-' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// fieldsByName has every name that fieldOf knows: as the guide spells it, which
// is how nearly all come and costs least, and folded.
var fieldsByName = func() map[string]field {
	names := map[string]field{}
	for f := range fieldCount {
		names[f.String()] = f
		names[folded(f.String())] = f
		names[f.group()+folded(f.String())] = f
	}
	return names
}()

// fieldOf finds the canonical field that a header names, alone or with the
// prefix of its object ("individual.firstName"). There are no other aliases: a
// wrong guess would send one customer's data as another's.
func fieldOf(name string) (field, bool) {
	f, known := fieldsByName[name]
	if !known {
		f, known = fieldsByName[folded(name)]
	}
	return f, known
}
