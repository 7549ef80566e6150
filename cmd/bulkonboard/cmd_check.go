package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// inspection is the flags of check.
type inspection struct {
	list             cli.ListFlags
	ledger           ledgerSettings
	tenantID, formID string
}

func checkCommand() *cobra.Command {
	var i inspection
	c := &cobra.Command{
		Use:   "check --input LIST",
		Short: "Check a list, and send nothing",
		Long: `check reads a list to its end and tells how it is read, what a run of it would
do, and which rows are invalid and why. With --ledger it also tells how many
customers are new, known, changed or expired, and how many the ledger knows that
are not in the list. An entry of the ledger does not say of what list or form it
is: where several share a ledger, the customers of all the others are among
those.

It sends nothing, changes nothing and needs no service. It exits with 0 when
every row is valid, with 1 when some are not, and with 65 when the list cannot
be read as a customer list.`,
		Example: `  bulkonboard check customers.csv
  bulkonboard check customers.csv --map customerEmail=E-mail --set customerType=Individual
  bulkonboard check customers.csv --ledger customers.db --tenant-id TENANT --form-id FORM`,
		Args: cli.ListArgument,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := cli.Settle(c, i.check); err != nil {
				return err
			}
			return i.withLedger(c, func(opened *cli.OpenedLedger) error {
				return i.run(c.Context(), opened, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
			})
		},
	}
	c.Flags().SortFlags = false
	i.list.Register(c.Flags())
	c.Flags().StringVar(&i.ledger.Owner.Service, "base-url", "", "address of the service; needed where the ledger has customers of several")
	c.Flags().StringVar(&i.ledger.Owner.Application, "app-id", "", "application id, likewise")
	c.Flags().StringVar(&i.tenantID, "tenant-id", "", "tenant id; needed with --ledger")
	c.Flags().StringVar(&i.formID, "form-id", "", "form id, for rows that have none of their own; needed with --ledger")
	i.ledger.ledgerFile.register(c, "file of what is known of each customer from earlier nights")
	i.ledger.Register(c)
	cli.TakesConfig(c, jobFamily)
	_ = c.MarkFlagFilename("input")
	return c
}

func (i *inspection) check() error {
	var p cli.Problems
	i.list.Check(&p)
	i.ledger.check(&p)
	if i.ledger.Path != "" {
		p.Need("tenant-id", i.tenantID)
		p.Need("form-id", i.formID)
		i.ledger.needApplication(&p)
	}
	return p.Err()
}

// withLedger opens the ledger, if there is one. A run makes one that is not
// there; a check does not.
func (i *inspection) withLedger(c *cobra.Command, do func(*cli.OpenedLedger) error) error {
	if i.ledger.Path == "" {
		return do(nil)
	}
	if !i.ledger.madeBefore() {
		fmt.Fprintf(c.ErrOrStderr(), "there is no ledger %s yet, so every customer is new; if you expected one, check the path\n", cli.OneLine(i.ledger.Path))
		return do(nil)
	}
	return i.ledger.with(c, func(l *cli.OpenedLedger) error {
		if err := l.NeedsOwner(i.ledger.Owner); err != nil {
			return err
		}
		return do(l)
	})
}

// run reads the list and says what it found.
func (i *inspection) run(ctx context.Context, l *cli.OpenedLedger, stdin io.Reader, stdout, stderr io.Writer) error {
	list, share, done, err := i.begin(stdin)
	if err != nil {
		return err
	}
	defer done()
	if _, err := batch.EncoderFor(list, false); err != nil {
		return err
	}
	printReading(stdout, list)
	scratch, err := cli.TemporaryScratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // nobody wants it any more
	p := preflight.Preflight{List: list, FormID: i.formID, Scratch: scratch, Share: share, Known: i.ledger.known(l, i.tenantID, i.formID)}
	f, err := shown(ctx, &p, stderr)
	if err != nil {
		return err
	}
	printForecast(stdout, f, i.list.Name(), expected{})
	if f.Invalid > 0 {
		return &cli.BadRowsError{Rows: f.Invalid}
	}
	return nil
}

// shown reads a list ahead, for a command that does no more, and shows how far
// it is.
func shown(ctx context.Context, p *preflight.Preflight, stderr io.Writer) (*preflight.Forecast, error) {
	stderr = terminalOr(stderr)
	p.Monitor = new(measure.Monitor)
	stop := showProgress(p.Monitor, stderr, slog.New(slog.NewTextHandler(stderr, nil)))
	defer stop()
	return p.Run(ctx)
}

// begin opens the list: a file, or standard input as it comes.
func (i *inspection) begin(stdin io.Reader) (_ *source.List, share func() float64, done func(), err error) {
	if i.list.FromStandardInput() {
		list, err := i.list.Read(stdin)
		return list, nil, func() { _ = list.Close() }, err // what was copied of it
	}
	list, err := i.list.OpenInput()
	if err != nil {
		return nil, nil, nil, err
	}
	return list.List, list.Done, list.Close, nil
}

// printReading says how a list is read.
func printReading(w io.Writer, list *source.List) {
	line := func(what, text string) { fmt.Fprintf(w, "%-11s %s\n", what, text) }
	if list.Sheet() != "" {
		line("format:", "workbook")
		line("sheet:", strconv.Quote(list.Sheet()))
		printMapping(w, list)
		return
	}
	line("format:", list.Format().String())
	encoding := list.Encoding()
	if list.BOM() {
		encoding += " with byte order mark"
	}
	line("encoding:", encoding)
	if list.Format() == source.FormatCSV {
		line("delimiter:", spelt(string(list.Delimiter())))
		line("line ends:", spelt(list.LineEnd()))
	}
	printMapping(w, list)
}

// printMapping says where each field comes from, and which columns are only
// carried along.
func printMapping(w io.Writer, list *source.List) {
	fmt.Fprintln(w, "mapping:")
	if list.Format() == source.FormatJSONL {
		fmt.Fprintln(w, "  members by the names of the fields, nested or flat")
	}
	if list.TypeFollows() {
		fmt.Fprintf(w, "  %-20s follows from the details of each row\n", "customerType")
	}
	read := map[int]bool{}
	for _, m := range list.MappingTable() {
		read[m.Number] = true
		switch {
		case m.Column == "":
			fmt.Fprintf(w, "  %-20s is %s in every row\n", m.Field, m.Constant)
		case m.Number == 0:
			fmt.Fprintf(w, "  %-20s from %q\n", m.Field, m.Column)
		default:
			fmt.Fprintf(w, "  %-20s from column %d, %q\n", m.Field, m.Number, m.Column)
		}
	}
	for i, name := range list.Header() {
		if !read[i+1] {
			fmt.Fprintf(w, "  %-20s column %d, %q\n", "(only carried along)", i+1, name)
		}
	}
}

// spelt names what cannot be seen.
func spelt(s string) string {
	names := map[string]string{"\t": "tab", "\n": "LF", "\r\n": "CRLF", "\r": "CR"}
	if name, ok := names[s]; ok {
		return name
	}
	return s
}
