package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/ledger"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// importing is the flags of ledger import.
type importing struct {
	list             cli.ListFlags
	ledger           ledgerFile
	tenantID, formID string
	formulaSafe      bool
}

func ledgerImportCommand() *cobra.Command {
	var i importing
	c := &cobra.Command{
		Use:   "import RESULTS --ledger LEDGER",
		Short: "Put an earlier results file down in a ledger",
		Long: `import reads the results of a run that had no ledger, and puts down what became of
each customer: session id, when it was processed, and the digest of the fields.
Tenant, form and columns are named as they were for that run. What the ledger
has already, and as new, stays. The ledger is made when there is none.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			_ = c.Flags().Set("input", args[0]) // a text takes any
			if _, err := cli.Settle(c, i.check); err != nil {
				return err
			}
			return i.ledger.with(c, func(opened *cli.OpenedLedger) error {
				if err := opened.NeedsOwner(i.ledger.Owner); err != nil {
					return err
				}
				return i.run(c.OutOrStdout(), opened.Ledger)
			})
		},
	}
	c.Flags().SortFlags = false
	i.list.Register(c.Flags())
	i.ledger.register(c, "file of the ledger; made when there is none")
	c.Flags().StringVar(&i.ledger.Owner.Service, "base-url", "", "address of the service of that run; needed where the ledger has customers of several")
	c.Flags().StringVar(&i.ledger.Owner.Application, "app-id", "", "application id of that run, likewise")
	c.Flags().StringVar(&i.tenantID, "tenant-id", "", "tenant id of that run")
	c.Flags().StringVar(&i.formID, "form-id", "", "form id of that run, for rows that have none of their own")
	c.Flags().BoolVar(&i.formulaSafe, "formula-safe", false, "the results were written with --formula-safe")
	cli.TakesConfig(c, jobFamily)
	cli.TypedOnly(c, "input")
	_ = c.Flags().MarkHidden("input")
	_ = c.MarkFlagFilename("input")
	return c
}

func (i *importing) check() error {
	var p cli.Problems
	i.list.Prefixed = i.formulaSafe
	i.list.Check(&p)
	p.Need("ledger", i.ledger.Path)
	i.ledger.check(&p)
	apart(&p, namedFile{"RESULTS", i.list.Input}, namedFile{"--ledger", i.ledger.Path}, namedFile{"the key of --ledger", i.ledger.KeyPath()})
	p.Need("tenant-id", i.tenantID)
	p.Need("form-id", i.formID)
	i.ledger.needApplication(&p)
	if i.list.FromStandardInput() {
		p.Add("import takes a results file and not standard input: name the file")
	}
	return p.Err()
}

// run reads the results and puts them down.
func (i *importing) run(w io.Writer, l *ledger.Ledger) error {
	list, err := i.list.OpenInput()
	if err != nil {
		return err
	}
	defer list.Close()
	previous, err := previousOf(list.List)
	if err != nil {
		return &source.ListError{Name: i.list.Input, Line: 1, Reason: "this is no results file: " + err.Error(), Hint: "name the results of a run"}
	}
	scratch, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // nobody wants it any more
	k := &batch.Known{Ledger: l, Owner: i.ledger.Owner, Tenant: i.tenantID, FormID: i.formID}
	into, rows := k.Import(scratch), int64(0)
	for rec, err := range list.Records() {
		if err != nil {
			return err
		}
		rows++
		res, ok := previous.Result(rec)
		if !ok || len(rec.Problems) > 0 {
			continue
		}
		if err := into.Take(rec, res); err != nil {
			return err
		}
	}
	if err := into.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d rows read, %d customers put down\n", rows, into.Taken)
	if into.Undated > 0 {
		fmt.Fprintf(w, "%d rows left out: when they were processed cannot be read, as when a spreadsheet has saved it\n", into.Undated)
	}
	return nil
}
