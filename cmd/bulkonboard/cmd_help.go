package main

import (
	"embed"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/manual"
)

// The pages of the manual are part of the program, so both are always of the same version.
//
//go:embed pages/*.md
var pageFiles embed.FS

// pageNames are the pages, in the order in which somebody new reads them.
var pageNames = []string{"lists", "files", "retry", "nights", "pace", "settings", "metrics", "chunks", "security", "troubleshooting"}

// pageText is a page as it was written.
func pageText(name string) string {
	b, err := pageFiles.ReadFile(path.Join("pages", name+".md"))
	if err != nil {
		panic(err) // a page that is named is embedded
	}
	return string(b)
}

// helpCommand prints a page of the manual, or what --help of a command prints.
func helpCommand() *cobra.Command {
	var about strings.Builder
	for _, name := range pageNames {
		fmt.Fprintf(&about, "\n  %-16s %s", name, manual.TitleOf(pageText(name)))
	}
	return &cobra.Command{
		Use:   "help [PAGE | COMMAND]",
		Short: "Print a page of the manual, or the help of a command",
		Long: `help prints a page of the manual, or the flags of a command. The pages are:
` + about.String(),
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			names := slices.Clone(pageNames)
			for _, sub := range c.Root().Commands() {
				if sub.IsAvailableCommand() && !slices.Contains(names, sub.Name()) {
					names = append(names, sub.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && slices.Contains(pageNames, args[0]) {
				return printPage(c, args[0])
			}
			if len(args) == 0 {
				fmt.Fprintf(c.OutOrStdout(), "%s\n\nFor the flags of a command: bulkonboard COMMAND --help\n", c.Long)
				return nil
			}
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noSuchPage(c.Root(), strings.Join(args, " "))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// printPage prints a page as wide as the terminal, up to the width that is still
// easy to read.
func printPage(c *cobra.Command, name string) error {
	page := manual.Parse(pageText(name))
	_, err := io.WriteString(c.OutOrStdout(), page.Text(cli.Width(c)))
	return err
}

// noSuchPage says what a word may have meant that is neither a page nor a command.
func noSuchPage(root *cobra.Command, word string) error {
	names := slices.Clone(pageNames)
	for _, sub := range root.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	text := fmt.Sprintf("there is no page or command %q; ", word)
	if near := cli.Nearest(word, names); near != "" {
		return cli.Problems{text + "did you mean bulkonboard help " + near + "?"}
	}
	return cli.Problems{text + "the pages are " + strings.Join(pageNames, ", ")}
}
