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
key, the outcome, the session id, when it was obtained (or the customer first
refused), the digest of the fields that were sent, in which run that was and
when that run began, the code of a refusal, and the session id from before a
refusal or failure, with when that was obtained. A key names nobody.`,
		Args: cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		if output == "" {
			return exportLedger(c.OutOrStdout(), l.Ledger)
		}
		return cli.CreateFile(output, func(w io.Writer) error { return exportLedger(w, l.Ledger) })
	})
	c.Flags().StringVarP(&output, "output", "o", "", "write to this new file and not to standard output")
	cli.TypedOnly(c, "output")
	_ = c.MarkFlagFilename("output")
	return c
}

func exportLedger(w io.Writer, l *ledger.Ledger) error {
	runs, err := l.Runs()
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	out := csv.NewWriter(buffered)
	_ = out.Write([]string{"key", "outcome", "sessionId", "at", "digest", "run", "runBegan", "errorCode", "earlierSessionId", "earlierAt"}) // Flush tells
	err = l.All(func(key ledger.Key, e *ledger.Entry) error {
		run, began, earlier := "", "", ""
		if e.Run > 0 {
			run, began = runs[e.Run].ID, runs[e.Run].Began.Format(time.RFC3339)
		}
		if e.Earlier.ID != "" {
			earlier = e.Earlier.At.Format(time.RFC3339Nano)
		}
		return out.Write([]string{
			key.String(), e.Outcome.String(), e.SessionID, e.At.Format(time.RFC3339Nano), hex.EncodeToString(e.Digest[:]), run, began, e.Code, e.Earlier.ID, earlier,
		})
	})
	if err != nil {
		return err
	}
	if out.Flush(); out.Error() != nil {
		return out.Error()
	}
	return buffered.Flush()
}
