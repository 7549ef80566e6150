package source

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// constant is one value for every row.
type constant struct {
	field field
	value string
}

// constant reads one --set.
func (m *mapping) constant(text string) (constant, error) {
	f, value, err := assignment("--set", text, "VALUE")
	if err != nil {
		return constant{}, err
	}
	switch {
	case value == "":
		return constant{}, fmt.Errorf("--set %s has no value; leave it out", f)
	case value == Hidden:
		return constant{}, fmt.Errorf("--set %s=%s stands for a value that is not shown: give the value itself", f, Hidden)
	case f == customerEmail:
		return constant{}, fmt.Errorf("--set customerEmail would make every row the same customer; type --map customerEmail=COLUMN")
	case m.columns[f] != "":
		return constant{}, fmt.Errorf("--map %s and --set %s contradict each other: leave one out", f, f)
	case slices.ContainsFunc(m.constants, func(c constant) bool { return c.field == f }):
		return constant{}, fmt.Errorf("--set %s is given twice: leave one out", f)
	}
	var c Customer
	*f.in(&c) = value
	for _, p := range validate(&c, false) {
		if p.Field == f.String() && p.Code != "type_mismatch" {
			return constant{}, fmt.Errorf("--set %s: %s", f, p.Message)
		}
	}
	return constant{field: f, value: *f.in(&c)}, nil
}

// set puts the constants into a customer.
func (m *mapping) set(c *Customer) {
	for i := range m.constants {
		*m.constants[i].field.in(c) = m.constants[i].value
	}
	if m.typeFollows {
		c.Type = typeOf(c)
	}
}

func (m *mapping) isConstant(f field) bool {
	return slices.ContainsFunc(m.constants, func(c constant) bool { return c.field == f })
}

// Hidden stands where a value would be that may be somebody's own.
const Hidden = "…"

// isDetail reports a field whose values may be somebody's own.
func (f field) isDetail() bool {
	return !fieldTable[f].Public
}

// shown is the value as it may be told to anybody.
func (c *constant) shown() string {
	if c.field.isDetail() {
		return Hidden
	}
	return strconv.Quote(c.value)
}

// WithoutDetails is the text of a --set without a value that may be somebody's
// own.
func WithoutDetails(text string) string {
	name, _, found := strings.Cut(text, "=")
	f, known := fieldOf(name)
	switch {
	case !found:
		return Hidden
	case known && !f.isDetail():
		return text
	}
	return name + "=" + Hidden
}

// KeptConstant is a value for every row as the files of a run keep it: enough to
// tell whether the same value is given again.
type KeptConstant struct {
	Field  string `json:"field"`
	Value  string `json:"value,omitempty"`
	Digest string `json:"digest,omitempty"` // in place of a value that may be somebody's own
}

// KeepConstants is what the files of a run keep of its --set, in the order of the
// fields. What is wrong with them, Options.Check says. It takes some tenths of a
// second for each digest.
func KeepConstants(set []string, run string) []KeptConstant {
	m, _ := (&Options{Set: set}).mapping()
	var kept []KeptConstant
	for _, c := range m.constants {
		k := KeptConstant{Field: c.field.String(), Value: c.value}
		if c.field.isDetail() {
			k.Value, k.Digest = "", c.digest(run)
		}
		kept = append(kept, k)
	}
	return kept
}

// StandIn is a --set for who reads results without their constants: every row is
// as valid with it as it was.
func (k *KeptConstant) StandIn() string {
	if k.Value != "" {
		return k.Field + "=" + k.Value
	}
	f, _ := fieldOf(k.Field)
	value, special := standIns[f]
	if !special {
		value = "(not kept)"
	}
	return k.Field + "=" + value
}

// standIns are those of fields that do not take any text.
var standIns = map[field]string{
	customerMobileNumber: "+15550100",
	clientID:             "00000000-0000-0000-0000-000000000000",
}

// A digest of a value is keyed by its run and field, slow to make (600,000
// iterations, as OWASP's Password Storage Cheat Sheet has it for PBKDF2 with
// SHA-256), and short: a million values share it with other ones. So a slip is
// found, and a reader of the digest can neither try all phone numbers nor be
// sure of the number that fits.
const (
	digestIterations = 600_000
	digestDigits     = 5 // hexadecimal
)

func (c *constant) digest(run string) string { return c.digestBy(run, digestIterations/slowdown) }

func (c *constant) digestBy(run string, iterations int) string {
	salt := sha256.Sum256([]byte(run + "\n" + c.field.String()))
	sum, err := pbkdf2.Key(sha256.New, c.value, salt[:], iterations, sha256.Size)
	if err != nil { // lengths and hash are such that none is possible
		panic(err)
	}
	return hex.EncodeToString(sum)[:digestDigits]
}
