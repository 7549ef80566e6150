package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
)

func ledgerProblemsCommand() *cobra.Command {
	return ofLedger(&cobra.Command{
		Use:   "problems --ledger LEDGER",
		Short: "List the rows that need attention, and since when",
		Long: `problems lists, for each form of the ledger, the rows of the last complete run that
need attention: the row, the error code, and when the run began that was the first
to report the row with these bytes and this code. It names no customer; the
results of that run have the rows.`,
		Args: cobra.NoArgs,
	}, func(c *cobra.Command, _ []string, l *cli.OpenedLedger) error {
		printProblems(c.OutOrStdout(), l.Ledger)
		return nil
	})
}

func printProblems(w io.Writer, l *ledger.Ledger) {
	nights := 0
	for _, form := range l.Forms() {
		night, complete := l.Night(form)
		if !complete {
			continue
		}
		nights++
		printNight(w, l, form, night)
	}
	if nights == 0 {
		fmt.Fprintf(w, "%s knows of no complete run yet\n", l.Path())
	}
}

func printNight(w io.Writer, l *ledger.Ledger, form ledger.Form, night ledger.Night) {
	problems := slices.Clone(l.Problems(form))
	fmt.Fprintf(w, "form %s of tenant %s: %d of %s need attention, by run %s of %s\n",
		cli.OneLine(form.ID), cli.OneLine(form.Tenant), len(problems), cli.Counted(night.Rows, "row"), l.Runs()[night.Run].ID, night.At.Local().Format(time.DateTime))
	slices.SortFunc(problems, func(a, b ledger.Problem) int { return cmp.Or(cmp.Compare(a.Since, b.Since), cmp.Compare(a.Row, b.Row)) })
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range problems {
		age := "open since"
		if p.Since == night.Run {
			age = "new on"
		}
		fmt.Fprintf(out, "  row %d\t%s\t%s %s\n", p.Row, p.Code, age, l.Runs()[p.Since].Began.Local().Format(time.DateOnly))
	}
	_ = out.Flush() // to w, as everything else
}
