package main

import (
	"bufio"
	"encoding/csv"
	"encoding/hex"
	"io"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
)

func ledgerExportCommand() *cobra.Command {
	var output string
	c := ofLedger(&cobra.Command{
		Use:   "export --ledger LEDGER",
		Short: "Write a ledger as CSV",
		Long: `export writes one row for each customer of a ledger, in the order of the keys: the
key, the outcome, the session id, when it was obtained (or the customer
refused), the digest of the fields that were sent, in which run that was and
when that run began, the code of a refusal, and the session id from before a
refusal, with when that was obtained. A key names no customer.`,
		Example: `  bulkonboard ledger export --ledger customers.db >ledger.csv`,
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		if output == "" {
			return exportLedger(c.OutOrStdout(), l.Ledger)
		}
		return cli.Place(fileSystem, output, false, func(w io.Writer) error { return exportLedger(w, l.Ledger) })
	})
	c.Flags().StringVarP(&output, "output", "o", "", "write to this new file and not to standard output")
	cli.TypedOnly(c, "output")
	_ = c.MarkFlagFilename("output")
	return c
}

func exportLedger(w io.Writer, l *ledger.Ledger) error {
	buffered := bufio.NewWriter(w)
	out := csv.NewWriter(buffered)
	_ = out.Write([]string{"key", "outcome", "sessionId", "at", "digest", "run", "runBegan", "errorCode", "earlierSessionId", "earlierAt"}) // Flush tells
	err := l.All(func(key ledger.Key, e *ledger.Entry) error {
		return out.Write(exported(key, e, l.Runs()))
	})
	if err != nil {
		return err
	}
	if out.Flush(); out.Error() != nil {
		return out.Error()
	}
	return buffered.Flush()
}

// exported is the row of a customer: the call that the status comes from, and
// of one who was refused since the session id.
func exported(key ledger.Key, e *ledger.Entry, runs map[uint64]ledger.Run) []string {
	last := e.Last()
	run, began, id, code, earlier, earlierAt := "", "", "", "", "", ""
	if last.Run > 0 {
		run, began = runs[last.Run].ID, runs[last.Run].Began.Format(time.RFC3339)
	}
	switch {
	case e.Status() == ledger.OK:
		id = e.Session.ID
	case e.Session.ID != "":
		code, earlier, earlierAt = e.Refusal.Code, e.Session.ID, e.Session.At.Format(time.RFC3339Nano)
	default:
		code = e.Refusal.Code
	}
	return []string{
		key.String(), e.Status().String(), id, last.At.Format(time.RFC3339Nano), hex.EncodeToString(last.Digest[:]), run, began, code, earlier, earlierAt,
	}
}
