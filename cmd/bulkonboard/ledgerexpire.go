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
		if age, err = cli.ParseDays(olderThan); err != nil || olderThan == "" {
			return cli.Problems{fmt.Sprintf("--older-than is %q; it takes a time such as 90d or 12h", olderThan)}
		}
		return nil
	}
	c := ofLedger(&cobra.Command{
		Use:   "expire --ledger LEDGER --older-than 90d",
		Short: "Erase customers whose session id, or refusal, is older than that",
		Long: `expire erases the customers whose session id was obtained, or who were refused or
failed, longer ago than that. They are new to the next run. Of one who was refused
or failed since, it erases a session id from before that is older. The file is
written anew without them, so nothing of them is left in it.`,
		Args: cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		erased, sessions, err := expire(l.Ledger, time.Now().Add(-age))
		if err == nil {
			fmt.Fprintf(c.OutOrStdout(), "erased %d customers, and of %d others the earlier session id, older than %s\n", erased, sessions, olderThan)
		}
		return err
	}, check)
	c.Flags().StringVar(&olderThan, "older-than", "", "how old, such as 90d or 12h")
	cli.TypedOnly(c, "older-than")
	return c
}

// expire erases what is from before a time: customers, and of others the session
// id that they had before they were refused or failed.
func expire(l *ledger.Ledger, before time.Time) (customers, sessions int64, err error) {
	customers, err = l.Erase(func(_ ledger.Key, e *ledger.Entry) bool {
		if e.At.Before(before) {
			return true
		}
		if e.Earlier.ID != "" && e.Earlier.At.Before(before) {
			e.Earlier = ledger.Session{}
			sessions++
		}
		return false
	})
	return customers, sessions, err
}
