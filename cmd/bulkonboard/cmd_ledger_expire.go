package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
)

func ledgerExpireCommand() *cobra.Command {
	var olderThan string
	var age time.Duration
	check := func() (err error) {
		if olderThan == "" {
			return cli.Problems{"--older-than is missing; it takes a time such as 90d or 12h"}
		}
		if age, err = cli.ParseDays(olderThan); err != nil {
			return cli.Problems{fmt.Sprintf("--older-than is %q; it takes a time such as 90d or 12h", olderThan)}
		}
		return nil
	}
	c := ofLedger(&cobra.Command{
		Use:   "expire --ledger LEDGER --older-than 90d",
		Short: "Erase old entries from a ledger",
		Long: `expire erases the customers whose session id was obtained, or who were refused or
failed, longer ago than that. They are new to the next run. Of a customer with a
session id and a refusal it erases the older. The file is written again
without them, so nothing of them is left in it.`,
		Example: `  bulkonboard ledger expire --ledger customers.db --older-than 90d`,
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		erased, parts, err := expire(l.Ledger, time.Now().Add(-age))
		if err == nil {
			fmt.Fprintf(c.OutOrStdout(), "erased %s, and of %d others a session id or a refusal, older than %s\n", cli.Counted(erased, "customer"), parts, olderThan)
		}
		return err
	}, check)
	c.Flags().StringVar(&olderThan, "older-than", "", "how old, such as 90d or 12h")
	cli.TypedOnly(c, "older-than")
	return c
}

// expire erases what is from before a time: customers, and of others the session
// id or the refusal.
func expire(l *ledger.Ledger, before time.Time) (customers, parts int64, err error) {
	customers, err = l.Erase(func(_ ledger.Key, e *ledger.Entry) {
		session, refusal := e.Session.At.Before(before), e.Refusal.At.Before(before)
		if session && e.Session.ID != "" && !refusal || refusal && e.Refusal.Status != 0 && !session {
			parts++
		}
		if session {
			e.Session = ledger.Session{}
		}
		if refusal {
			e.Refusal = ledger.Refusal{}
		}
	})
	return customers, parts, err
}
