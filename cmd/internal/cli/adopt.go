package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"bulkonboard/source"
)

// Adoption is the settings of an earlier run that a command takes for its own.
type Adoption struct {
	Of       string                // the results of that run
	Run      string                // its id
	Settings map[string]string     // by key, as ShownSettings has them
	Set      []source.KeptConstant // of --set
	Folder   string                // relative names of files are from there
	Bound    []string              // flags that may not differ from the run's
	Own      []string              // flags in which the run has no say
}

// Adopt gives a command the settings of an earlier run, where nothing else was
// given. What was given and may not differ is refused.
func (a *Adoption) Adopt(c *cobra.Command) error {
	var p Problems
	c.Flags().VisitAll(func(f *pflag.Flag) {
		value, known := a.Settings[KeyOf(f.Name)]
		if !known || !isSetting(f) || slices.Contains(a.Own, f.Name) {
			return
		}
		texts := a.texts(f, value)
		switch {
		case f.Name == "set":
			a.adoptConstants(f, &p)
		case !f.Changed:
			if err := setTexts(f, texts); err != nil {
				p.Add(fmt.Sprintf("--%s: the run of %s had a value that this program does not take (%v); give another", f.Name, a.Of, err))
			}
		case slices.Contains(a.Bound, f.Name) && !same(f, texts):
			p.Add(fmt.Sprintf("--%s differs from that of the run which wrote %s (%q): leave it out, or send the list with bulkonboard run", f.Name, a.Of, strings.Join(texts, " ")))
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
	if isPath(f) {
		for i, name := range texts {
			texts[i] = a.path(name)
		}
	}
	return texts
}

// adoptConstants completes --set. A value that the summary does not have must be
// given again, and be the same; of an earlier version it has nothing to compare.
func (a *Adoption) adoptConstants(f *pflag.Flag, p *Problems) {
	texts, _ := listOf(f)
	given := map[string]source.KeptConstant{}
	for _, k := range source.KeepConstants(texts, a.Run) {
		given[k.Field] = k
	}
	for _, k := range a.Set {
		now, again := given[k.Field]
		delete(given, k.Field)
		switch {
		case again && now != k && k.Value+k.Digest != "":
			given[k.Field] = now
		case !again && k.Value == "":
			p.Add(fmt.Sprintf("give --set %s=%s again, with the value that the run of %s had: its summary does not keep it", k.Field, source.Hidden, a.Of))
		case !again:
			texts = append(texts, k.Field+"="+k.Value)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(given)) {
		p.Add(fmt.Sprintf("--set %s differs from that of the run which wrote %s: give the same value, or send the list with bulkonboard run", field, a.Of))
	}
	_ = setList(f, texts) // which takes any
}

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
