package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
)

func ledgerStatsCommand() *cobra.Command {
	return ofLedger(&cobra.Command{
		Use:   "stats --ledger LEDGER",
		Short: "Count the customers of a ledger by result and age",
		Args:  cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		return printLedger(c.OutOrStdout(), l.Ledger, time.Now())
	})
}

// ages are the columns of the table, each up to a number of days.
var ages = [...]int{1, 7, 30, 90, 365}

// ledgerTable counts customers by status; the last column is what is older.
type ledgerTable map[ledger.Status]*[len(ages) + 1]int64

func (t ledgerTable) add(e *ledger.Entry, now time.Time) {
	row := t[e.Status()]
	if row == nil {
		row = new([len(ages) + 1]int64)
		t[e.Status()] = row
	}
	column := 0
	for column < len(ages) && now.Sub(e.Last().At) > time.Duration(ages[column])*24*time.Hour {
		column++
	}
	row[column]++
}

func printLedger(w io.Writer, l *ledger.Ledger, now time.Time) error {
	table := ledgerTable{}
	if err := l.All(func(_ ledger.Key, e *ledger.Entry) error {
		table.add(e, now)
		return nil
	}); err != nil {
		return err
	}
	info, err := os.Stat(l.Path())
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s, recorded by %s; %.1f MiB\n", l.Path(), cli.Counted(l.Len(), "customer"), cli.Counted(len(l.Runs()), "run"), float64(info.Size())/(1<<20))
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "\t")
	for _, days := range ages {
		fmt.Fprintf(out, "up to %d d\t", days)
	}
	fmt.Fprintln(out, "older\t")
	for _, status := range []ledger.Status{ledger.OK, ledger.Rejected, ledger.Failed} {
		if table[status] == nil {
			continue
		}
		fmt.Fprintf(out, "%s\t", status)
		for _, n := range table[status] {
			fmt.Fprintf(out, "%d\t", n)
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}
