package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/manual"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the man pages to a folder",
		Long: `man writes a page for every command (*.1, for a folder such as
/usr/local/share/man/man1) and the pages of the manual (*.7, for man7) to a folder.
Shells complete commands and flags after bulkonboard completion SHELL, which says
how.`,
		Example: `  bulkonboard man /usr/local/share/man/man1`,
		Args:    cli.OneArgument("one folder: bulkonboard man FOLDER"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // man pages are for everybody
				return cli.Problems{fmt.Sprintf("the man pages cannot be written to %s (%v); name another folder", cli.OneLine(args[0]), err)}
			}
			root := c.Root()
			root.InitDefaultCompletionCmd()
			err := writeManPages(root, args[0], manDate())
			if err == nil {
				err = writePages(root.Name(), args[0], manDate())
			}
			if err != nil {
				return fmt.Errorf("the man pages cannot be written: %w; name another folder", err)
			}
			return nil
		},
	}
}

// manDate is the date of the pages: that of the release, where there is one.
func manDate() time.Time {
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return time.Now()
	}
	return time.Unix(epoch, 0).UTC()
}

// writeManPages writes the page of a command and of those below it.
func writeManPages(c *cobra.Command, folder string, date time.Time) error {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			if err := writeManPages(sub, folder, date); err != nil {
				return err
			}
		}
	}
	c.InitDefaultHelpFlag()
	return os.WriteFile(filepath.Join(folder, manName(c)+".1"), []byte(manPage(c, date)), 0o644) //nolint:gosec // for everybody
}

// writePages writes the pages of the manual, as man bulkonboard-nights prints
// them; of a page that is named like a command, man 7 bulkonboard-retry.
func writePages(program, folder string, date time.Time) error {
	for _, name := range pageNames {
		page := manual.Parse(pageText(name))
		whole := program + "-" + name
		if err := os.WriteFile(filepath.Join(folder, whole+".7"), []byte(page.Roff(whole, date)), 0o644); err != nil { //nolint:gosec // for everybody
			return err
		}
	}
	return nil
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is the page of a command, in the macros of man(7). Everybody who starts
// the program pays for every package it is linked with, so this one goes
// without those that make pages by way of Markdown.
func manPage(c *cobra.Command, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"%s\" \"1\" \"%s\" \"bulkonboard\" \"bulkonboard\"\n", strings.ToUpper(manName(c)), date.Format("Jan 2006"))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", manual.Escaped(manName(c)), manual.Escaped(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fP\n", manual.Escaped(c.UseLine()))
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, c.Long)
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n")
		manText(&b, c.Example)
	}
	manFlags(&b, "OPTIONS", c.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	manExits(&b)
	var also []string
	if c.HasParent() {
		also = append(also, manName(c.Parent()))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			also = append(also, manName(sub))
		}
	}
	for i, name := range also {
		also[i] = `\fB` + manual.Escaped(name) + `\fP(1)`
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(also, ", "))
	return b.String()
}

// manExits writes the exit codes, which are those of all commands.
func manExits(b *strings.Builder) {
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range cli.ExitCodes() {
		fmt.Fprintf(b, ".TP\n\\fB%d\\fP\n%s\n", e.Code, manual.Escaped(e.Text+" "+e.Do))
	}
}

// manText writes paragraphs. Lines that are set in, such as examples, stay as
// they are.
func manText(b *strings.Builder, text string) {
	setIn := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if is := strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t"); is != setIn {
			b.WriteString(map[bool]string{true: ".PP\n.nf\n", false: ".fi\n"}[is])
			setIn = is
		}
		if line == "" {
			line = ".PP"
		} else {
			line = manual.Escaped(line)
		}
		b.WriteString(line + "\n")
	}
	if setIn {
		b.WriteString(".fi\n")
	}
}

// manFlags writes a section of flags, as --help describes them.
func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "\\fB\\-%s\\fP, ", f.Shorthand)
		}
		fmt.Fprintf(b, "\\fB\\-\\-%s\\fP", manual.Escaped(f.Name))
		if value != "" {
			fmt.Fprintf(b, " \\fI%s\\fP", manual.Escaped(value))
		}
		switch f.DefValue {
		case "", "false", "[]", "0", "0s":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "\n%s\n", manual.Escaped(usage))
	})
}
