package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
)

func ledgerCheckCommand() *cobra.Command {
	return ofLedger(&cobra.Command{
		Use:   "check --ledger LEDGER",
		Short: "Check that a ledger is undamaged",
		Long: `check reads all of a ledger and compares it with what was written: every page,
every entry by its tag, all entries together by the seal, and the number of
changes with the count beside the key. It exits with 70 when anything does not
fit, and changes nothing.`,
		Example: `  bulkonboard ledger check --ledger customers.db`,
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		return checkLedger(c.OutOrStdout(), l.Ledger)
	})
}

func checkLedger(w io.Writer, l *ledger.Ledger) error {
	var sessions, refusals int64
	if err := l.All(func(_ ledger.Key, e *ledger.Entry) error {
		if e.Session.ID != "" {
			sessions++
		}
		if e.Refusal.Status != 0 {
			refusals++
		}
		return nil
	}); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s is as it was written: %d customers, %d session ids, %d refusals or failures; %d runs, %d forms, %d changes\n",
		l.Path(), l.Len(), sessions, refusals, len(l.Runs()), len(l.Forms()), l.Changes())
	return nil
}
