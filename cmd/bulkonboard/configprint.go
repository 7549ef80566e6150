package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

const initText = `# Settings of a bulkonboard job, for bulkonboard run --config FILE and
# bulkonboard retry RESULTS --config FILE (or BULKONBOARD_CONFIG=FILE).
#
# Every setting stands here at its default: take the # away to change one. A
# flag goes before its variable (--base-url, BULKONBOARD_BASE_URL), and that
# before this file. A relative path starts at the folder of this file, not at
# the one that the job is started in. A key that is no setting is refused.
#
# The app secret is never written here: name its file with appSecretFile, or set
# BULKONBOARD_APP_SECRET. To see what a job would use, and where it comes from:
# bulkonboard run --config FILE --print-config
`

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Write a config file to begin with",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "init [FILE]",
		Short: "Write every setting with its default and what it means, to FILE or to standard output",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text := configText(c.Root())
			if len(args) == 0 || args[0] == "-" {
				_, err := io.WriteString(c.OutOrStdout(), text)
				return err
			}
			return createFile(args[0], func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
		},
	})
	return c
}

// createFile writes a file where there is none, whole or not at all.
func createFile(name string, write func(io.Writer) error) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return &usageError{[]string{name + " exists and is left as it is; name another file"}}
	}
	if err != nil {
		return &usageError{[]string{"the file cannot be made: " + err.Error()}}
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// configText is a config file that says nothing: every setting of a job,
// commented out, as the flags themselves describe it.
func configText(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(initText)
	seen := map[string]bool{}
	commands := slices.Clone(root.Commands())
	slices.SortStableFunc(commands, func(a, b *cobra.Command) int { // run has the settings that all have
		return strings.Compare(fmt.Sprint(a.Name() != "run"), fmt.Sprint(b.Name() != "run"))
	})
	for _, c := range commands {
		if c.Annotations[familyKey] != jobFamily {
			continue
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if isSetting(f) && !seen[f.Name] {
				seen[f.Name] = true
				_, usage := pflag.UnquoteUsage(f)
				fmt.Fprintf(&b, "\n%s#%s: %s\n", comment(usage), keyOf(f.Name), yamlOf(f))
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
		return flowList(texts)
	}
	if f.Value.Type() == "duration" {
		return shortDuration(f.Value.String())
	}
	return marshal(scalarNode(f.Value.String()))
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

// showConfig prints every setting and where it comes from, as a config file
// that says the same.
func (s *settings) showConfig(c *cobra.Command, from origins) {
	w := c.OutOrStdout()
	if name := configName(c); name != "" {
		fmt.Fprintf(w, "# config file: %s\n", oneLine(name))
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case isSetting(f):
			fmt.Fprintf(w, "%-36s # %s\n", keyOf(f.Name)+": "+yamlOf(f), from.of(f))
		case f.Changed && f.Name != "config" && f.Name != "print-config":
			fmt.Fprintf(w, "# %-34s # %s\n", keyOf(f.Name)+": "+yamlOf(f), from.of(f))
		}
	})
	fmt.Fprintf(w, "# appSecret: %s\n", s.secretOrigin())
}

// of is where the value of a flag comes from.
func (o origins) of(f *pflag.Flag) string {
	switch {
	case o[f.Name] != "":
		return oneLine(o[f.Name])
	case f.Changed:
		return "command line"
	default:
		return "default"
	}
}

// secretOrigin says whether there is an app secret, and never what it is.
func (s *settings) secretOrigin() string {
	switch {
	case s.sandbox:
		return "not needed, the sandbox is called"
	case s.secret == "":
		return "not set"
	case s.secretFile != "":
		return "set, from the file of appSecretFile"
	default:
		return "set, from " + secretVariable
	}
}

// oneLine is a name that may come from anywhere, fit for a line of its own.
func oneLine(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Sprintf("%q", name)
	}
	return name
}
