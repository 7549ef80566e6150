package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
)

// difference is the flags of diff.
type difference struct {
	list             cli.ListFlags
	ledger           ledgerSettings
	tenantID, formID string
}

func diffCommand() *cobra.Command {
	var d difference
	c := &cobra.Command{
		Use:   "diff --input LIST --ledger LEDGER",
		Short: "Hold a list against a ledger, and send nothing",
		Long: `diff tells how many customers of a list are new, known, changed or expired by a
ledger, and how many the ledger knows that are not in the list. An entry of the
ledger does not say of what list or form it is: where several share a ledger,
the customers of all the others are among those. It sends nothing, writes
nothing and needs no service.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, d.check, d.ledger.existing); err != nil {
				return err
			}
			return d.ledger.with(c, func(opened *cli.OpenedLedger) error {
				return d.run(c.Context(), opened, c.OutOrStdout(), c.ErrOrStderr())
			})
		},
	}
	c.Flags().SortFlags = false
	d.list.Register(c.Flags())
	d.ledger.register(c)
	c.Flags().StringVar(&d.tenantID, "tenant-id", "", "tenant id")
	c.Flags().StringVar(&d.formID, "form-id", "", "form id, for rows that have none of their own")
	cli.TakesConfig(c, jobFamily)
	_ = c.MarkFlagFilename("input")
	return c
}

func (d *difference) check() error {
	var p cli.Problems
	d.list.Check(&p)
	d.ledger.check(&p)
	p.Need("tenant-id", d.tenantID)
	p.Need("form-id", d.formID)
	if d.list.FromStandardInput() {
		p.Add("diff takes a file and not standard input: name the file")
	}
	return p.Err()
}

// run reads the list and asks the ledger.
func (d *difference) run(ctx context.Context, l *cli.OpenedLedger, stdout, stderr io.Writer) error {
	list, err := d.list.OpenInput()
	if err != nil {
		return err
	}
	defer list.Close()
	scratch, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // nobody wants it any more
	p := batch.Preflight{List: list.List, FormID: d.formID, Scratch: scratch, Share: list.Done, Known: d.ledger.Known(l.Ledger, d.tenantID, d.formID)}
	f, err := shown(ctx, &p, stderr)
	if err != nil {
		return err
	}
	printForecast(stdout, f, d.list.Name(), expected{})
	return printGone(stdout, l, f)
}

// printGone counts who is known to the ledger and not in the list. The key of a
// customer tells nobody the form, so other forms can be counted only as well.
func printGone(stdout io.Writer, l *cli.OpenedLedger, f *batch.Forecast) error {
	customers, err := l.Len()
	if err != nil {
		return err
	}
	forms, err := l.Forms()
	if err != nil {
		return err
	}
	others := ""
	if len(forms) > 1 {
		others = fmt.Sprintf("; those of all its %d forms count", len(forms))
	}
	fmt.Fprintf(stdout, "  %-10s %d customers known to the ledger and not in this list%s\n", "gone", customers-f.Found, others)
	return nil
}
