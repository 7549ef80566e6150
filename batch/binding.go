package batch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// unrecorded are the settings that runs of earlier versions did not record. Such a
// run resumes with what is given now, and has it on record from then on.
func unrecorded(before, now map[string]string) []string {
	const since = "app id"
	if _, recorded := before[since]; recorded || now[since] == "" {
		return nil
	}
	return []string{since}
}

// differences names the settings that two bindings do not agree on.
func differences(before, now map[string]string) []Change {
	keys := maps.Clone(before)
	maps.Copy(keys, now)
	for _, key := range unrecorded(before, now) {
		delete(keys, key)
	}
	var changed []Change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if before[key] != now[key] {
			changed = append(changed, Change{What: key, Before: before[key], Now: now[key]})
		}
	}
	return changed
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
