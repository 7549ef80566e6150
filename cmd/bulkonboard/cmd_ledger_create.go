package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
)

func ledgerCreateCommand() *cobra.Command {
	var l ledgerFile
	c := &cobra.Command{
		Use:   "create --ledger LEDGER",
		Short: "Create a new, empty ledger",
		Long: `create makes a new, empty ledger. A run makes one by itself when neither the ledger
nor its key is there. When there is a key, the ledger may be lost, and a run with
a new one would call every customer again: create is how to say that this is
meant, and the new ledger is made under that key. A ledger that is there is left
as it is.`,
		Example: `  bulkonboard ledger create --ledger customers.db`,
		Args:    cobra.NoArgs,
	}
	c.Flags().SortFlags = false
	l.register(c, "file of the ledger")
	cli.TakesConfig(c, jobFamily)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if _, err := cli.Settle(c, l.checkNamed); err != nil {
			return err
		}
		release, err := state.Hold(c.Context(), fileSystem, l.Path, c.CommandPath(), l.wait)
		if err != nil {
			return err
		}
		defer func() { _ = release() }() // only the lock can be left behind
		if err := ledger.Create(fileSystem, l.Path, l.KeyPath()); errors.Is(err, fs.ErrExist) {
			return cli.Problems{fmt.Sprintf("--ledger: there is a file %s already, and it is left as it is; name another file", cli.OneLine(l.Path))}
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "created the new, empty ledger %s\n", l.Path)
		return nil
	}
	return c
}
