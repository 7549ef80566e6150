package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// flagGroup is flags that help shows together.
type flagGroup struct {
	title string
	flags []string
}

// flagGroups are the groups of help, in order. The flags are in the order in
// which a command has registered them.
var flagGroups = []flagGroup{
	{"List", []string{"input", "format", "encoding", "delimiter", "sheet", "map", "set", "max-invalid", "min-rows", "duplicates"}},
	{"Service", []string{
		"sandbox", "base-url", "app-id", "tenant-id", "form-id", "app-secret-file", "app-secret-command", "client-cert-file", "client-key-file", "ca-file", "no-proxy-env",
	}},
	{"Rate", []string{"rate", "parallel", "max-inflight", "timeout", "max-attempts", "max-backoff", "max-outage", "max-failures", "max-calls", "grace"}},
	{"Nightly", []string{"ledger", "ledger-key-file", "session-ttl", "wait", "until"}},
	{"Files", []string{"output", "rejects", "overwrite", "restart", "formula-safe", "fixes", "config", "print-config"}},
	{"Logging", []string{"log-format", "log-level", "log-file", "metrics-file", "metrics-listen", "metrics-label"}},
}

// fewFlags are shown in one list.
const fewFlags = 12

// groupsOf divides the flags of a command into groups. Flags of no group are the
// last one, and the only one of a command with few flags.
func groupsOf(c *cobra.Command) []flagGroup {
	left := map[string]bool{}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			names = append(names, f.Name)
			left[f.Name] = true
		}
	})
	var out []flagGroup
	if len(names) > fewFlags {
		for _, g := range flagGroups {
			own := flagGroup{title: g.title}
			for _, name := range g.flags {
				if left[name] {
					own.flags = append(own.flags, name)
					delete(left, name)
				}
			}
			if len(own.flags) > 0 {
				out = append(out, own)
			}
		}
	}
	rest := flagGroup{title: "Flags"}
	if len(out) > 0 {
		rest.title = "Other"
		delete(left, "help") // who reads this knows it
	}
	for _, name := range names {
		if left[name] {
			rest.flags = append(rest.flags, name)
		}
	}
	return append(out, rest)
}

// FlagGroup is flags that help and the manual show together, under a title.
type FlagGroup struct {
	Title string
	Flags []*pflag.Flag
}

// FlagGroups are the flags of a command, but for --help, in groups.
func FlagGroups(c *cobra.Command) []FlagGroup {
	var out []FlagGroup
	for _, g := range groupsOf(c) {
		group := FlagGroup{Title: g.title}
		for _, name := range g.flags {
			group.Flags = append(group.Flags, c.Flags().Lookup(name))
		}
		if len(group.Flags) > 0 {
			out = append(out, group)
		}
	}
	return out
}

// showHelp prints the help of a command: what it does, how it is typed, examples,
// and its flags in groups.
func showHelp(c *cobra.Command, w io.Writer) {
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	text := c.Long
	if text == "" {
		text = c.Short
	}
	width := widthOf(w)
	fmt.Fprintln(w, reflowed(text, width))
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(c.Example, "\n"))
	}
	fmt.Fprintf(w, "\nUsage:\n  %s\n", c.UseLine())
	showCommands(c, w)
	for _, g := range FlagGroups(c) {
		set := pflag.NewFlagSet(g.Title, pflag.ContinueOnError)
		set.SortFlags = false
		for _, f := range g.Flags {
			set.AddFlag(f)
		}
		fmt.Fprintf(w, "\n%s:\n%s\n", g.Title, strings.TrimRight(set.FlagUsagesWrapped(width), "\n"))
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nFor the flags of a command: %s COMMAND --help\n", c.CommandPath())
	}
}

// showCommands lists the commands below a command.
func showCommands(c *cobra.Command, w io.Writer) {
	if !c.HasAvailableSubCommands() {
		return
	}
	fmt.Fprint(w, "\nCommands:\n")
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			before := fmt.Sprintf("  %-*s ", c.NamePadding(), sub.Name())
			fmt.Fprintln(w, before+wrapped(sub.Short, len(before), widthOf(w)))
		}
	}
}

// widthOf is the width of a terminal, as far as lines are still easy to read, and
// 80 for anything else.
func widthOf(w io.Writer) int {
	if columns := columnsOf(w); columns > 0 {
		return max(40, min(columns, maxTextWidth))
	}
	return 80
}

// columnsOf is the width of a terminal, and 0 for anything else.
func columnsOf(w io.Writer) int {
	if p, ok := w.(Plain); ok {
		w = p.To
	}
	switch to := w.(type) {
	case Screen:
		return to.Columns()
	case *os.File:
		if columns, _, err := term.GetSize(int(to.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// maxTextWidth is the number of columns beyond which lines are hard to read.
const maxTextWidth = 120

// Width is widthOf for the output of a command.
func Width(c *cobra.Command) int { return widthOf(c.OutOrStdout()) }
