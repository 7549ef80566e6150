package source

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// synonyms are names under which exports have the fields, in English, German and
// French, folded, the likeliest first. They are only ever suggested: what is read
// is what the header names or what --map says.
var synonyms = [fieldCount][]string{
	formID:               {"form"},
	customerType:         {"type", "clienttype", "entitytype", "partytype"},
	customerEmail:        {"email", "emailaddress", "mail", "mailaddress", "emailid", "emailadresse", "mailadresse", "adresseemail", "courriel"},
	customerMobileNumber: {"mobile", "mobilenumber", "mobilephone", "mobileno", "cellphone", "cell", "msisdn", "mobil", "mobilnummer", "mobiltelefon", "handy", "handynummer", "portable", "téléphoneportable", "phone", "phonenumber", "telephone", "tel", "telefon", "telefonnummer", "téléphone"},
	employeeID:           {"employee", "employeenumber", "employeeno", "staffid", "staffnumber", "personalnummer", "matricule"},
	clientID:             {"clientuuid", "clientguid"},
	sendEmail:            {"sendmail"},
	firstName:            {"givenname", "forename", "first", "fname", "christianname", "givennames", "vorname", "prénom", "prenom"},
	lastName:             {"surname", "familyname", "last", "lname", "nachname", "familienname", "nom", "nomdefamille"},
	fullName:             {"companyname", "company", "legalname", "organisation", "organization", "companyfullname", "firma", "firmenname", "unternehmen", "société", "societe", "raisonsociale", "entreprise"},
	registrationNumber:   {"regno", "registrationno", "companynumber", "companyregistrationnumber", "regnumber", "crn", "handelsregisternummer", "registernummer", "siren", "siret"},
	tradingName:          {"tradename", "tradingas", "dba", "brandname", "handelsname", "nomcommercial"},
}

// choice is a header that lacks something, and what could be meant by it.
type choice struct {
	*mapping
	header []string
	at     columnNumbers
}

func (c *choice) has(fields ...field) bool { return len(c.lacking(fields...)) == 0 }

func (c *choice) lacking(fields ...field) (out []field) {
	for _, f := range fields {
		if c.at[f] == 0 && !c.isConstant(f) {
			out = append(out, f)
		}
	}
	return out
}

// UnreadDetails are, in words, the details of a kind of customer that the list has
// no columns for, where rows have been found with a problem that may come of it;
// "" when there are none.
func (l *List) UnreadDetails(found func(code string) bool) string {
	if l.header == nil { // JSONL: any line may have any member
		return ""
	}
	c := &choice{mapping: &l.mapping, header: l.header, at: l.columnOf}
	for _, kind := range []struct {
		who    string
		fields []field
	}{{"individuals", individualFields}, {"companies", companyFields}} {
		var names, codes []string
		for _, f := range c.lacking(kind.fields...) {
			names, codes = append(names, f.String()), append(codes, missingCode(f))
		}
		if len(names) > 0 && (found(missingDetails) || slices.ContainsFunc(codes, found)) {
			return "no column is read for " + strings.Join(names, ", ") + ", so rows of " + kind.who + " are invalid: if the list has " + kind.who +
				", name their columns with --map; a column that the list lacks must be added before the run, as corrections add none"
		}
	}
	return ""
}

// SharedDetails names, in words, a column or a value that --map or --set has given to
// one kind of customer and that rows of the other kind have, too, which makes them
// invalid. fields are those at fault in such rows. It is "" when there is none.
func (l *List) SharedDetails(fields []string) string {
	for _, m := range l.MappingTable() {
		f, _ := fieldOf(m.Field)
		if _, mapped := l.mapping.columns[f]; !slices.Contains(fields, m.Field) || !mapped && m.Constant == "" {
			continue
		}
		own, others := "companies", "individuals"
		if slices.Contains(individualFields, f) {
			own, others = others, own
		}
		if m.Constant != "" {
			return fmt.Sprintf("%s is the same in every row (--set), also in those of %s, which makes them invalid: name a column that only %s have, with --map %s=COLUMN in place of --set", f, others, own, f)
		}
		return fmt.Sprintf("%s is read from column %q, in which rows of %s have a value, too, which makes them invalid: name a column that only %s have, with --map %s=COLUMN, or empty it in these rows", f, m.Column, others, own, f)
	}
	return ""
}

// likeness says how far a column's name is from meaning a field; 0 is the
// nearest, and unlike is nothing to suggest.
func likeness(f field, column string) int {
	name := folded(column)
	if i := slices.Index(synonyms[f], name); i >= 0 {
		return i
	}
	own := strings.ToLower(f.String())
	if d := Distance(name, own); d <= len(own)/4 {
		return 20 + d
	}
	for i, synonym := range synonyms[f] {
		if len(synonym) >= 4 && strings.HasSuffix(name, synonym) {
			return 40 + i
		}
	}
	return unlike
}

const unlike = 100

// candidates are, for every field that has none, the columns that could be
// meant, the nearest first. A column is a candidate for one field only.
func (c *choice) candidates() (out [fieldCount][]string) {
	for i, column := range c.header {
		if slices.Contains(c.at[:], i+1) {
			continue
		}
		best, least := field(0), unlike
		for f := range fieldCount {
			if n := likeness(f, column); n < least && !c.has(f) {
				best, least = f, n
			}
		}
		if least < unlike {
			out[best] = append(out[best], column)
		}
	}
	for f, columns := range out {
		slices.SortStableFunc(columns, func(a, b string) int { return likeness(field(f), a) - likeness(field(f), b) })
	}
	return out
}

// hint spells out the flags to type. Without customerType, the type follows from
// the details.
func (c *choice) hint() string {
	near := c.candidates()
	need := c.lacking(append([]field{customerEmail}, c.group(&near)...)...)
	if len(near[customerType]) > 0 {
		need = append([]field{customerType}, need...)
	}
	return c.spelt(&near, need)
}

// group finds out which details a list is likelier to have.
func (c *choice) group(near *[fieldCount][]string) []field {
	gaps := func(fields []field) int {
		n := -len(fields)
		for _, f := range c.lacking(fields...) {
			if n++; len(near[f]) == 0 {
				n++
			}
		}
		return n
	}
	individual, company := gaps(individualFields), gaps(companyFields)
	if !c.has(individualFields...) && (c.has(companyFields...) || company < individual) {
		return companyFields
	}
	return individualFields
}

// spelt writes the flags for the fields that a list needs, on one line to copy,
// and after it what else looks like a field.
func (c *choice) spelt(near *[fieldCount][]string, need []field) string {
	var flags, unknown, others []string
	for _, f := range need {
		if len(near[f]) == 0 {
			unknown = append(unknown, fmt.Sprintf("no column looks like %s: name it with --map %s=COLUMN", f, f))
			continue
		}
		flags = append(flags, "--map "+shellAssignment(f, near[f][0]))
	}
	for f := range fieldCount {
		for i, column := range near[f] {
			if i > 0 || !slices.Contains(need, f) {
				others = append(others, "--map "+shellAssignment(f, column))
			}
		}
	}
	lines := []string{c.listed()}
	if len(flags) > 0 {
		lines = append(lines, "if these columns are right, add to the command:", "  "+strings.Join(flags, " "))
	}
	lines = append(lines, unknown...)
	if len(others) > 0 {
		lines = append(lines, "other possible matches (ignored unless you map them):", "  "+strings.Join(others, "\n  "))
	}
	return strings.Join(lines, "\n")
}

func (c *choice) listed() string {
	return "the header has: " + strings.Join(words(c.header), ", ")
}

// words are the names of columns as a shell takes them.
func words(header []string) []string {
	out := make([]string, len(header))
	for i, name := range header {
		out[i] = shellWord(name)
	}
	return out
}

// nearColumns says which column may have been meant by a name that none has.
func nearColumns(header []string, f field, name string) string {
	best, least := "", unlike
	for _, column := range header {
		d := Distance(folded(column), folded(name))
		if d > max(2, len(name)/3) || d > 1 && meansAnother(f, column) {
			d = unlike
		}
		if d = min(d, 20+likeness(f, column)); d < least {
			best, least = column, d
		}
	}
	listed := "the header has: " + strings.Join(words(header), ", ")
	if best == "" {
		return listed
	}
	return fmt.Sprintf("did you mean --map %s?\n%s", shellAssignment(f, best), listed)
}

// meansAnother reports whether a column's name is known to mean another field: a
// first name is not in Surname, though the name that was typed is spelled like it.
func meansAnother(f field, column string) bool {
	for g := range fieldCount {
		if g != f && likeness(g, column) < min(likeness(f, column), unlike) {
			return true
		}
	}
	return false
}

// nearFields says which field may have been meant by a name that none has.
func nearFields(name string) string {
	best, least := "", unlike
	for f := range fieldCount {
		d := min(Distance(folded(name), strings.ToLower(f.String())), likeness(f, name))
		if d <= max(2, len(name)/3) && d < least || likeness(f, name) < min(least, unlike) {
			best, least = f.String(), d
		}
	}
	all := "the fields are " + strings.Join(fieldNames(), ", ")
	if best == "" {
		return all
	}
	return "did you mean " + best + "? " + all
}

// Distance is the number of letters to put in, take out or change to make one
// name of another (Levenshtein).
func Distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range from {
		before := row[0]
		row[0] = i + 1
		for j, y := range to {
			change := before
			if x != y {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(to)]
}

// shellAssignment is FIELD=NAME as a shell takes it.
func shellAssignment(f field, name string) string { return f.String() + "=" + shellWord(name) }

// shellWord is a name as a shell takes it. A line break in a header is written
// as a space, which is the same as names are compared.
func shellWord(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	if quoted := printable(name); quoted != name {
		return "$'" + strings.ReplaceAll(quoted[1:len(quoted)-1], "'", `\'`) + "'"
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-"
	switch {
	case name != "" && strings.Trim(name, plain) == "":
		return name
	case !strings.ContainsAny(name, "\"$`\\!"):
		return `"` + name + `"`
	default:
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
}

// printable is a name for people: as it is, or quoted with what a terminal
// could act upon written out.
func printable(name string) string {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return name
	}
	return strconv.Quote(name)
}
