package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"bulkonboard/batch/known"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// importing is the flags of ledger import.
type importing struct {
	ledger           ledgerFile
	tenantID, formID string
	set              []string

	from *runResults
}

func ledgerImportCommand() *cobra.Command {
	var i importing
	c := &cobra.Command{
		Use:   "import RESULTS --ledger LEDGER",
		Short: "Record earlier results in a ledger",
		Long: `import reads the results of a run that had no ledger, and records what became of
each customer: session id, when it was processed, and the digest of the fields.
The results must be as their run wrote them; tenant, form and columns are those of
the run, which its summary has. What the ledger has already, and as new, stays.
The ledger is made when there is none.`,
		Example: `  bulkonboard ledger import results.csv --ledger customers.db`,
		Args:    namedResults,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if i.from, err = resultsOf(args[0]); err != nil {
				return err
			}
			if _, err := cli.Settle(c, func() error { return i.from.adoption().Adopt(c) }, i.check); err != nil {
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
	i.ledger.register(c, "file of the ledger; made when there is none")
	f := c.Flags()
	f.StringVar(&i.ledger.Owner.Service, "base-url", "", "address of the service of that run, if its summary is to be checked for it")
	f.StringVar(&i.ledger.Owner.Application, "app-id", "", "application id of that run, likewise")
	f.StringVar(&i.tenantID, "tenant-id", "", "tenant id of that run, if its summary is to be checked for it")
	f.StringVar(&i.formID, "form-id", "", "form id of that run, likewise")
	f.StringArrayVar(&i.set, "set", nil, "a value that the run gave every row and its summary does not keep: `FIELD=VALUE`; may be repeated")
	cli.TakesConfig(c, jobFamily)
	return c
}

func (i *importing) check() error {
	var p cli.Problems
	p.Need("ledger", i.ledger.Path)
	i.ledger.check(&p)
	apart(&p, namedFile{"RESULTS", i.from.path}, namedFile{"--ledger", i.ledger.Path}, namedFile{"the key of --ledger", i.ledger.KeyPath()})
	if i.from.summary.Settings["sandbox"] == "true" {
		i.tenantID, i.ledger.Owner = sandboxOwner, ledger.Owner{Service: sandboxOwner}
	} else {
		i.ledger.needApplication(&p)
	}
	p.Need("tenant-id", i.tenantID)
	p.Need("form-id", i.formID)
	o := i.options()
	p = append(p, o.Check()...)
	return p.Err()
}

// options are how the results are read, once the settings are those of their run.
func (i *importing) options() source.Options {
	o := i.from.options()
	o.Set = i.set
	return o
}

// run reads the results and records them.
func (i *importing) run(w io.Writer, l *ledger.Ledger) error {
	file, err := os.Open(i.from.path)
	if err != nil {
		return &state.IOError{Op: "read", Path: i.from.path, Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	list, err := source.Open(file, i.options())
	if err != nil {
		return err
	}
	previous, err := previousOf(list)
	if err != nil {
		return notResults(i.from.path, err)
	}
	scratch, err := cli.TemporaryScratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // it is no longer needed
	k := &known.Known{Ledger: l, Owner: i.ledger.Owner, Tenant: i.tenantID, FormID: i.formID}
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
	fmt.Fprintf(w, "%s read, %s recorded\n", cli.Counted(rows, "row"), cli.Counted(into.Taken, "customer"))
	if into.Undated > 0 {
		fmt.Fprintf(w, "%s left out: the time of the session id cannot be read\n", cli.Counted(into.Undated, "row"))
	}
	return nil
}
