package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Adoption is the settings of an earlier run that a command takes for its own.
type Adoption struct {
	Of        string            // the results of that run
	Settings  map[string]string // by key, as ShownSettings has them
	Constants []string          // of --set, in full
	Folder    string            // relative names of files are from there
	Bound     []string          // flags that may not differ from the run's
	Own       []string          // flags in which the run has no say
}

// Adopt gives a command the settings of an earlier run, where nothing else was
// given. What was given and may not differ is refused.
func (a *Adoption) Adopt(c *cobra.Command) error {
	var p Problems
	c.Flags().VisitAll(func(f *pflag.Flag) {
		value, known := a.Settings[keyOf(f.Name)]
		if !known || !isSetting(f) || slices.Contains(a.Own, f.Name) {
			return
		}
		texts := a.texts(f, value)
		switch {
		case slices.ContainsFunc(texts, isMasked):
			if !f.Changed {
				p.Add(fmt.Sprintf("--set: the summary of %s does not have the values; give --set as for that run", a.Of))
			}
		case !f.Changed:
			if err := setTexts(f, texts); err != nil {
				p.Add(fmt.Sprintf("--%s: the run of %s had a value that this program does not take (%v); give another", f.Name, a.Of, err))
			}
		case slices.Contains(a.Bound, f.Name) && !same(f, texts):
			p.Add(fmt.Sprintf("--%s differs from that of the run which wrote %s%s: leave it out, or send the list with bulkonboard run", f.Name, a.Of, shownTexts(f, texts)))
		}
	})
	return p.Err()
}

// texts are the values that the run had for a flag.
func (a *Adoption) texts(f *pflag.Flag, value string) []string {
	texts := []string{value}
	if _, many := listOf(f); many {
		texts = nil
		_ = yaml.Unmarshal([]byte(value), &texts) // in a forged summary it may be anything
	}
	if f.Name == "set" && len(a.Constants) > 0 {
		return a.Constants
	}
	if isPath(f) {
		for i, name := range texts {
			texts[i] = a.path(name)
		}
	}
	return texts
}

// isMasked reports a --set whose value withoutDetails has left out: a summary
// of an earlier version has no other.
func isMasked(text string) bool { return strings.HasSuffix(text, masked) }

// path is the name of a file as it is called from here.
func (a *Adoption) path(name string) string {
	here, err := filepath.Abs(".")
	if name == "" || filepath.IsAbs(name) || err != nil || here == a.Folder {
		return name
	}
	return filepath.Join(a.Folder, name)
}

func setTexts(f *pflag.Flag, texts []string) error {
	if _, many := listOf(f); many {
		return setList(f, texts)
	}
	return f.Value.Set(texts[0])
}

// same reports whether a flag has these values. The order of several does not
// matter.
func same(f *pflag.Flag, texts []string) bool {
	now, many := listOf(f)
	if !many {
		return strings.TrimRight(f.Value.String(), "/") == strings.TrimRight(texts[0], "/")
	}
	return slices.Equal(slices.Sorted(slices.Values(now)), slices.Sorted(slices.Values(texts)))
}

// shownTexts are values as a message shows them. Those of --set may be
// somebody's own.
func shownTexts(f *pflag.Flag, texts []string) string {
	if f.Name == "set" {
		return ""
	}
	return fmt.Sprintf(" (%q)", strings.Join(texts, " "))
}
