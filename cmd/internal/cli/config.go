package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Where a setting comes from: a flag, or else its environment variable, or else a
// config file.

// envPrefix begins every environment variable: --base-url is
// BULKONBOARD_BASE_URL.
const envPrefix = "BULKONBOARD_"

// VariableOf is the environment variable of a flag.
func VariableOf(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Family is the commands whose config files may be one and the same file: a
// job's run and its retry. A setting of the one is not a mistake in front of the
// other.
type Family struct {
	Name string
	Init string // the command that writes such a file, as it is typed
}

// A command's family, in its annotations.
const (
	familyKey = "config-family"
	initKey   = "config-init"
)

// onlyTyped marks a flag that is taken from the command line and from nowhere
// else.
const onlyTyped = "bulkonboard_only_typed"

// TakesConfig gives a command --config.
func TakesConfig(c *cobra.Command, family Family) {
	c.Annotations = map[string]string{familyKey: family.Name, initKey: family.Init}
	c.Flags().String("config", "", "YAML file with settings; "+family.Init+" writes one")
	_ = c.MarkFlagFilename("config", "yaml", "yml")
}

// TypedOnly keeps flags from being set by a variable or a config file.
func TypedOnly(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = c.Flags().SetAnnotation(name, onlyTyped, nil)
	}
}

// isSetting reports whether a flag has a variable and a key.
func isSetting(f *pflag.Flag) bool {
	_, typed := f.Annotations[onlyTyped]
	return !typed && f.Name != "help" && f.Name != "version" && f.Name != "config"
}

// isPath reports whether a flag names a file. The mark serves the completions
// of shells as well.
func isPath(f *pflag.Flag) bool {
	_, file := f.Annotations[cobra.BashCompFilenameExt]
	_, folder := f.Annotations[cobra.BashCompSubdirsInDir]
	return file || folder
}

// takesPairs reports whether a flag takes key=value: its usage says so.
func takesPairs(f *pflag.Flag) bool {
	name, _ := pflag.UnquoteUsage(f)
	return f.Value.Type() == "stringToString" || strings.Contains(name, "=")
}

// Origins say where each setting comes from, by flag: a variable, or a line of
// the config file. What was typed and what is a default are in none.
type Origins map[string]string

// Settle fills in every setting of a command that takes a config file and was
// not typed, from its variable or else from the config file, and then makes the
// checks. Everything that is wrong anywhere, and everything that checks return
// as Problems, is one error, Problems too.
func Settle(c *cobra.Command, checks ...func() error) (Origins, error) {
	from := Origins{}
	var p Problems
	goneVariables(c, &p)
	from.takeEnvironment(c, &p)
	if name := configName(c); name != "" {
		info, err := os.Stat(name)
		if err != nil { // all settings would be missing, and none of them is
			return from, Problems{CannotRead("config", name, err)}
		}
		if info.IsDir() {
			return from, Problems{CannotRead("config", name, syscall.EISDIR)}
		}
		if f := readConfig(name, c.Annotations[initKey], &p); f != nil {
			from.takeFile(c, f, &p)
		}
	}
	var other error
	for _, check := range checks {
		err := check()
		var wrong Problems
		if errors.As(err, &wrong) {
			p = append(p, from.named(wrong)...)
		} else if err != nil && other == nil {
			other = err
		}
	}
	if len(p) > 0 {
		return from, p
	}
	return from, other
}

// configName is the config file that was asked for, if any.
func configName(c *cobra.Command) string {
	if f := c.Flags().Lookup("config"); f.Changed {
		return f.Value.String()
	}
	return os.Getenv(VariableOf("config"))
}

// setVariable sets a flag from a variable. One that can be repeated takes a
// line each.
func setVariable(flags *pflag.FlagSet, f *pflag.Flag, value string) error {
	if f.Value.Type() != "stringArray" {
		return flags.Set(f.Name, value)
	}
	for line := range strings.Lines(value) {
		if err := flags.Set(f.Name, strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

func (o Origins) takeEnvironment(c *cobra.Command, p *Problems) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		variable := VariableOf(f.Name)
		value, ok := os.LookupEnv(variable)
		if !ok || value == "" || f.Changed || !isSetting(f) {
			return
		}
		before := f.Value.String()
		o[f.Name] = variable
		if err := setVariable(c.Flags(), f, value); err != nil {
			_ = f.Value.Set(before)
			f.Changed = true // so that the config file is not asked instead
			p.Add(fmt.Sprintf("%s=%q is not a value for --%s; it takes %s", variable, value, f.Name, takes(f, err)))
		}
	})
}

func (o Origins) takeFile(c *cobra.Command, file *configFile, p *Problems) {
	keys := familyKeys(c)
	for _, e := range file.entries {
		f := c.Flags().Lookup(keys[e.key])
		gone, isGone := goneKey(c, e.key)
		switch {
		case isGone:
			p.Add(fmt.Sprintf("%s: %s", file.at(e.line), gone))
		case keys[e.key] == "":
			p.Add(fmt.Sprintf("%s: %s", file.at(e.line), file.unknown(e.key, keys)))
		case f == nil || !isSetting(f) || f.Changed || isNull(e.value):
			// Another command's, or given by who has the word before the file.
		default:
			o[f.Name] = file.at(e.line)
			if err := file.set(f, &e); err != nil {
				p.Add(fmt.Sprintf("%s: %s takes %s", file.at(e.line), e.key, takes(f, err)))
			}
		}
	}
}

// set gives a flag the value of an entry.
func (f *configFile) set(flag *pflag.Flag, e *configEntry) error {
	texts, list, err := e.values(takesPairs(flag))
	if err != nil {
		return err
	}
	flag.Changed = true
	if isPath(flag) && texts[0] != standardInput {
		for i, text := range texts {
			texts[i] = f.path(text)
		}
	}
	if list {
		return setList(flag, texts)
	}
	if flag.Value.Type() == "bool" && e.value.ShortTag() != "!!bool" {
		return &valueError{"true or false"}
	}
	before := flag.Value.String()
	if err := flag.Value.Set(texts[0]); err != nil {
		_ = flag.Value.Set(before) // a number that is none would be 0, and wrong once more
		return err
	}
	return nil
}

// listOf are the values of a flag that takes many.
func listOf(f *pflag.Flag) ([]string, bool) {
	if v, ok := f.Value.(pflag.SliceValue); ok {
		return v.GetSlice(), true
	}
	if f.Value.Type() != "stringToString" {
		return nil, false
	}
	line := strings.TrimSuffix(strings.TrimPrefix(f.Value.String(), "["), "]")
	texts, _ := csv.NewReader(strings.NewReader(line)).Read() // io.EOF: none
	slices.Sort(texts)
	return texts, true
}

// path is a path of the config file: relative to the file's own folder, so
// that the job is the same whatever folder it is started in.
func (f *configFile) path(name string) string {
	if name == "" || name == "-" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.folder, name)
}

func setList(f *pflag.Flag, texts []string) error {
	if v, ok := f.Value.(pflag.SliceValue); ok {
		return v.Replace(texts)
	}
	if f.Value.Type() != "stringToString" {
		return &valueError{"one value, not a list"}
	}
	if len(texts) == 0 {
		return nil
	}
	var line strings.Builder
	w := csv.NewWriter(&line)
	_ = w.Write(texts) // to memory
	w.Flush()
	return f.Value.Set(strings.TrimSuffix(line.String(), "\n"))
}

// takes says what a flag takes, for one who gave it something else.
func takes(f *pflag.Flag, err error) string {
	var value *valueError
	if errors.As(err, &value) {
		return value.takes
	}
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int", "int64", "uint", "uint64":
		return "a whole number"
	case "float64":
		return "a number"
	case "duration":
		return durationText(err)
	}
	return fmt.Sprintf("something else (%v)", err)
}

// durationText says what a duration is like. Most of those that are wrong lack
// their unit.
func durationText(err error) string {
	if err != nil && strings.Contains(err.Error(), "missing unit") {
		return "a number with a unit, such as 30s or 5m"
	}
	return "a duration such as 30s, 5m or 2h"
}

var flagNames = regexp.MustCompile(`--[a-z][a-z-]*`)

// named adds to each problem where the settings that it names come from: before
// it for the setting that it begins with, and behind the first mention of any other.
func (o Origins) named(list Problems) Problems {
	out := make(Problems, len(list))
	for i, problem := range list {
		seen, before := map[string]bool{}, ""
		text, end := "", 0
		for _, at := range flagNames.FindAllStringIndex(problem, -1) {
			name := problem[at[0]+2 : at[1]]
			from := o[name]
			switch {
			case from == "" || seen[name]:
			case at[0] == 0:
				before = from + ": "
			default:
				text, end = text+problem[end:at[1]]+" ("+from+")", at[1]
			}
			seen[name] = true
		}
		out[i] = before + text + problem[end:]
	}
	return out
}
