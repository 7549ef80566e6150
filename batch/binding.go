package batch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Binding is what a resumed run must agree on with the run that was interrupted.
type Binding []Bond

// Bond is one setting of a binding. No secret may be in it, since the state has it.
type Bond struct {
	Name, Value string
	Of          BoundTo
	Newer       bool // runs of earlier versions did not record it
}

// CommandBond is the bond that says which command the run is.
const CommandBond = "command"

// BoundTo is what a bond is about.
type BoundTo int

// What a run that differs in it is: one that may take over the interrupted run,
// where the list differs, too; one that calls other customers, and never may; one
// of another list, because it has another file.
const (
	ToList BoundTo = iota // how it is read, and what is made of it
	ToCustomers
	ToFile // which tells one file of a list from another, whatever rows they have
)

// values are those that the state keeps.
func (b Binding) values() map[string]string {
	values := make(map[string]string, len(b))
	for _, bond := range b {
		values[bond.Name] = bond.Value
	}
	return values
}

// unrecorded are the bonds that an interrupted run did not record, because an earlier
// version began it. It resumes with what is given now, which is on record from then
// on.
func (b Binding) unrecorded(before map[string]string) (bonds []Bond) {
	for _, bond := range b {
		if _, recorded := before[bond.Name]; bond.Newer && !recorded && bond.Value != "" {
			bonds = append(bonds, bond)
		}
	}
	return bonds
}

// differences names the settings that do not agree with those of an interrupted run.
func (b Binding) differences(before map[string]string) []Change {
	now := b.values()
	keys := maps.Clone(before)
	maps.Copy(keys, now)
	for _, bond := range b.unrecorded(before) {
		delete(keys, bond.Name)
	}
	var changed []Change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if before[key] != now[key] {
			changed = append(changed, Change{What: key, Before: before[key], Now: now[key]})
		}
	}
	return changed
}

// differs reports whether a bond about something does not agree.
func (b Binding) differs(before map[string]string, about BoundTo) bool {
	return slices.ContainsFunc(b.differences(before), func(c Change) bool {
		return slices.ContainsFunc(b, func(bond Bond) bool { return bond.Name == c.What && bond.Of == about })
	})
}

// ChangedError refuses to resume a run under other settings.
type ChangedError struct{ Changes []Change }

// Change is one setting that differs from the interrupted run's.
type Change struct{ What, Before, Now string }

// Error names what changed, and both ways out.
func (e *ChangedError) Error() string {
	var b strings.Builder
	b.WriteString("the settings differ from those of the interrupted run:")
	for _, c := range e.Changes {
		fmt.Fprintf(&b, "\n  %s was %q and is %q", c.What, c.Before, c.Now)
	}
	b.WriteString("\nrestore the original list and run again to resume, or start over with --restart, or write to another --output")
	return b.String()
}
