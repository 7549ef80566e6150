package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"bulkonboard/batch/disk"
)

// ConfigCommand is the command config, whose init writes a config file for a
// family: the text, and then every setting, those of the command that is named
// first before what only others have.
func ConfigCommand(family Family, first, text string) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Write a config file to begin with",
		Args:  Commands,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "init [FILE]",
		Short: "Write every setting with its default and what it means, to FILE or to standard output",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text := text + configText(c.Root(), family, first)
			if len(args) == 0 || args[0] == "-" {
				_, err := io.WriteString(c.OutOrStdout(), text)
				return err
			}
			return Place(disk.OS{}, args[0], false, disk.Copy(strings.NewReader(text)))
		},
	})
	return c
}

// configText is a config file that says nothing: every setting of a family,
// commented out, as the flags themselves describe it.
func configText(root *cobra.Command, family Family, first string) string {
	var b strings.Builder
	seen := map[string]bool{}
	commands := slices.Clone(root.Commands())
	slices.SortStableFunc(commands, func(a, b *cobra.Command) int {
		return strings.Compare(fmt.Sprint(a.Name() != first), fmt.Sprint(b.Name() != first))
	})
	for _, c := range commands {
		if c.Annotations[familyKey] != family.Name {
			continue
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if isSetting(f) && !seen[f.Name] {
				seen[f.Name] = true
				_, usage := pflag.UnquoteUsage(f)
				fmt.Fprintf(&b, "\n%s#%s: %s\n", comment(usage), KeyOf(f.Name), yamlOf(f))
			}
		})
	}
	return b.String()
}

// comment is a text as comment lines of a readable width.
func comment(text string) string {
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 80 && line != "#" {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// yamlOf is the value of a flag as a config file has it.
func yamlOf(f *pflag.Flag) string {
	if texts, ok := listOf(f); ok {
		return flowList(toldEach(f.Name, texts))
	}
	if f.Value.Type() == "duration" {
		return shortDuration(f.Value.String())
	}
	value := f.Value.String()
	if f.Name != "app-secret-command" { // which is asked for here as it was given
		value = settingOf(f.Name, value)
	}
	return marshal(scalarNode(value))
}

// flowList is a list on one line.
func flowList(texts []string) string {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, text := range texts {
		n.Content = append(n.Content, scalarNode(text))
	}
	return marshal(n)
}

// scalarNode writes a text so that it is read as the same text: plainly if
// that will do.
func scalarNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool"}, n.ShortTag()) || strings.ContainsAny(text, "\n\r") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func marshal(n *yaml.Node) string {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	if err := e.Encode(n); err != nil {
		return `""`
	}
	_ = e.Close() // to memory
	return strings.TrimSuffix(b.String(), "\n")
}

// shortDuration is a duration as people write it: 1m, not 1m0s.
func shortDuration(text string) string {
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

// Show prints every setting of a command and where it comes from, as a config
// file that says the same, and what is said of the app secret.
func (o Origins) Show(c *cobra.Command, secret string) {
	w := c.OutOrStdout()
	if name := configName(c); name != "" {
		fmt.Fprintf(w, "# config file: %s\n", OneLine(name))
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case isSetting(f):
			fmt.Fprintf(w, "%-36s # %s\n", KeyOf(f.Name)+": "+yamlOf(f), o.of(f))
		case f.Changed && f.Name != "config" && f.Name != "print-config":
			fmt.Fprintf(w, "# %-34s # %s\n", KeyOf(f.Name)+": "+yamlOf(f), o.of(f))
		}
	})
	fmt.Fprintf(w, "# appSecret: %s\n", secret)
}

// of is where the value of a flag comes from.
func (o Origins) of(f *pflag.Flag) string {
	switch {
	case o[f.Name] != "":
		return OneLine(o[f.Name])
	case f.Changed:
		return "command line"
	default:
		return "default"
	}
}

// ShownSettings are all settings by their keys, as they are typed, and lists as
// a config file has them. No secret is a setting.
func ShownSettings(c *cobra.Command) map[string]string {
	shown := map[string]string{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !isSetting(f) && f.Name != "input" && f.Name != "output" {
			return
		}
		value := told(f.Name, f.Value.String())
		if texts, ok := listOf(f); ok {
			value = flowList(toldEach(f.Name, texts))
		} else if f.Value.Type() == "duration" {
			value = shortDuration(value)
		}
		shown[KeyOf(f.Name)] = value
	})
	return shown
}
