package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"bulkonboard/cmd/internal/cli"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the man pages to a folder",
		Long: `man writes a page for every command to a folder, such as
/usr/local/share/man/man1. Shells complete commands and flags after
bulkonboard completion SHELL, which says how.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // man pages are for everybody
				return cli.Problems{"the folder for the man pages cannot be made: " + err.Error()}
			}
			root := c.Root()
			root.InitDefaultCompletionCmd()
			root.DisableAutoGenTag = true // a page is the same whenever it is made
			header := &doc.GenManHeader{Title: "BULKONBOARD", Section: "1", Source: "bulkonboard", Manual: "bulkonboard"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("the man pages cannot be written: %w", err)
			}
			return nil
		},
	}
}
