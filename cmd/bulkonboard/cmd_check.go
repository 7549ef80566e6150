package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/batch/ledger"
	"bulkonboard/batch/measure"
	"bulkonboard/batch/preflight"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/screen"
	"bulkonboard/source"
)

// inspection is the flags of check.
type inspection struct {
	list    cli.ListFlags
	service cli.ServiceFlags
	output  string
	ledger  ledgerSettings
	limits  limits // of the list alone
	json    bool

	planned *settings // the run that the same settings are for
	found   checkDocument
}

func checkCommand() *cobra.Command {
	var i inspection
	c := &cobra.Command{
		Use:   "check --input LIST",
		Short: "Check a list and the service, and call no customer",
		Long: `check reads a list to its end and tells how it is read, what a run of it would
do, and which rows are invalid and why. With --ledger it also tells how many
customers are new, known, changed or expired, and how many the ledger knows that
are not in the list. An entry of the ledger does not say of what list or form it
is: where several share a ledger, the customers of all the others are among
those. With --output it also looks at the place of the results: what stands
there, whether another run is using it, and whether the disk has room.

With --base-url and an app secret it asks the service, too: name, route, TLS,
clock, and then GetAppToken, which says whether app id, app secret and tenant
are right and names no customer. The token is not kept. It can be used without a
list then.

It calls no customer and changes nothing. With several findings, the exit code
is the first of these that applies: 64 configuration, 77 app id, secret or
tenant refused, 65 the list cannot be read as a customer list or has too few
rows, 70 a damaged state or ledger, 73 something is in use, 74 no room, 75 the
service is not reachable, 1 some rows are invalid, 0 ready.`,
		Example: `  bulkonboard check customers.csv
  bulkonboard check customers.csv --map customerEmail=E-mail --set customerType=Individual
  bulkonboard check customers.csv --ledger customers.db --tenant-id TENANT --form-id FORM
  bulkonboard check --base-url https://auth.example.com --app-id APP --tenant-id TENANT`,
		Args: cli.ListArgument,
		RunE: func(c *cobra.Command, _ []string) error { return i.start(c) },
	}
	c.Flags().SortFlags = false
	i.list.Register(c.Flags())
	i.limits.registerRows(c.Flags())
	c.Flags().StringVarP(&i.output, "output", "o", "", "results file of the run; nothing is written to it")
	i.service.Register(c)
	i.ledger.ledgerFile.register(c, "file of what is known of each customer from earlier nights; needs --tenant-id and --form-id")
	i.ledger.Register(c)
	cli.TakesConfig(c, jobFamily)
	c.Flags().BoolVar(&i.json, "json", false, "print one JSON object, with the digests of list and settings; each of its members is on a line of its own")
	cli.TypedOnly(c, "json")
	for _, name := range []string{"input", "output"} {
		_ = c.MarkFlagFilename(name)
	}
	return c
}

// start settles the settings: those of check, and those of the run that would
// have the same ones.
func (i *inspection) start(c *cobra.Command) error {
	i.planned = new(settings)
	root, run := rootCommand(), runCommandFor(i.planned)
	root.RemoveCommand(commandOf(root, "run"))
	root.AddCommand(run)
	if err := cli.CopyTyped(c, run); err != nil {
		return err
	}
	if _, err := cli.Settle(c, i.check); err != nil {
		return err
	}
	if _, err := cli.Settle(run); err != nil {
		return err
	}
	i.planned.shown = cli.ShownSettings(run)
	if i.json { // which alone shows it; it is slow on purpose
		digest, err := cli.SettingsDigest(run, "input")
		if err != nil {
			return err
		}
		i.found.Config = &checkedConfig{Digest: digest}
	}
	return i.run(c)
}

func commandOf(root *cobra.Command, name string) *cobra.Command {
	c, _, _ := root.Find([]string{name}) // the root itself where there is none
	return c
}

// asks reports whether the service is asked: what is known of it without a
// secret is for the ledger alone.
func (i *inspection) asks() bool { return i.service.Target.BaseURL != "" && i.service.Access.Given() }

func (i *inspection) check() error {
	var p cli.Problems
	if i.list.Input != "" || !i.asks() {
		i.list.Check(&p)
	}
	i.limits.rows = cli.CheckMinRows(&p, i.limits.minRows)
	i.ledger.check(&p)
	if i.asks() {
		i.checkService(&p)
	}
	i.ledger.Owner = ledger.Owner{Service: i.service.Target.BaseURL, Application: i.service.Target.AppID}
	if i.ledger.Path != "" {
		p.Need("tenant-id", i.service.Target.TenantID)
		p.Need("form-id", i.service.Target.FormID)
		i.ledger.needApplication(&p)
	}
	return p.Err()
}

// checkService checks what asking the service needs: the form is a matter of the
// rows.
func (i *inspection) checkService(p *cli.Problems) {
	form := i.service.Target.FormID
	i.service.Target.FormID = "not asked for"
	i.service.Check(p)
	i.service.Target.FormID = form
}

// run looks at everything that was named, whatever is wrong with some of it.
func (i *inspection) run(c *cobra.Command) error {
	stdout := c.OutOrStdout()
	if i.json {
		stdout = io.Discard
	}
	var wrong findings
	if i.asks() {
		wrong.add(i.askService(c.Context(), stdout, c.ErrOrStderr()))
	} else if i.service.Target.BaseURL != "" && i.ledger.Path == "" {
		fmt.Fprintln(c.ErrOrStderr(), "the service is not asked: name the app secret for that with --app-secret-file, --app-secret-command or "+cli.SecretVariable)
	}
	var forecast *preflight.Forecast
	if i.list.Input != "" {
		wrong.add(i.withLedger(c, func(l *cli.OpenedLedger) (err error) {
			if l != nil {
				i.found.Ledger = &checkedLedger{i.ledger.Path, l.Len()}
				fmt.Fprintf(stdout, "ledger:     %s, opened with its key; %s\n", cli.OneLine(i.ledger.Path), cli.Counted(l.Len(), "customer"))
			}
			forecast, err = i.readList(c.Context(), l, c.InOrStdin(), stdout, c.ErrOrStderr())
			return err
		}))
	}
	if i.output != "" {
		wrong.add(i.lookAtOutput(stdout, forecast))
	}
	err := wrong.err()
	if !i.json {
		return err
	}
	i.found.ExitCode = cli.ExitCode(err)
	return errors.Join(i.found.print(c.OutOrStdout()), err)
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

// readList reads the list and says what it found.
func (i *inspection) readList(ctx context.Context, l *cli.OpenedLedger, stdin io.Reader, stdout, stderr io.Writer) (*preflight.Forecast, error) {
	digest, read := newFileSum(), io.Discard
	if i.json { // which alone shows it
		read = digest
	}
	list, share, done, err := i.begin(stdin, read)
	if err != nil {
		return nil, err
	}
	defer done()
	if _, err := batch.EncoderFor(list, false); err != nil {
		return nil, err
	}
	scratch, err := cli.TemporaryScratch()
	if err != nil {
		return nil, err
	}
	defer func() { _ = scratch.Close() }() // it is no longer needed
	known := i.ledger.known(l, i.service.Target.TenantID, i.service.Target.FormID, false)
	p := preflight.Preflight{List: list, FormID: i.service.Target.FormID, Scratch: scratch, Share: share, Known: known}
	f, err := shown(ctx, &p, stderr)
	printReading(stdout, list, f)
	if err != nil {
		return nil, err
	}
	cli.PrintForecast(stdout, f, i.list.Name(), cli.ExpectedPace{})
	i.found.List, i.found.Plan = &checkedList{Name: i.list.Name(), SHA256: digest.String(), Rows: f.Rows}, planOf(f)
	if err := i.limits.rows.Check(f.Rows, preflight.LastRunOf(known)); err != nil {
		return f, err
	}
	if f.Invalid > 0 {
		return f, &cli.BadRowsError{Rows: f.Invalid}
	}
	return f, nil
}

// shown reads a list ahead, for a command that does no more, and shows how far
// it is.
func shown(ctx context.Context, p *preflight.Preflight, stderr io.Writer) (*preflight.Forecast, error) {
	stderr = screen.On(stderr)
	p.Monitor = new(measure.Monitor)
	stop := showProgress(p.Monitor, stderr, slog.New(slog.NewTextHandler(stderr, nil)))
	defer stop()
	f, _, err := p.Run(ctx)
	return f, err
}

// begin opens the list: a file, or standard input as it comes.
func (i *inspection) begin(stdin io.Reader, read io.Writer) (_ *source.List, share func() float64, done func(), err error) {
	if i.list.FromStandardInput() {
		list, err := i.list.Read(io.TeeReader(stdin, read))
		return list, nil, func() { _ = list.Close() }, err // what was copied of it
	}
	if _, err := i.list.CheckInput(); err != nil {
		return nil, nil, nil, err
	}
	list, err := i.list.Open(i.list.Input, read)
	if err != nil {
		return nil, nil, nil, err
	}
	return list.List, list.Done, list.Close, nil
}

// printReading says how a list was read, when its forecast, if there is one, has told
// whether it could be.
func printReading(w io.Writer, list *source.List, f *preflight.Forecast) {
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
	if n := unreadable(f); n > 0 {
		encoding = fmt.Sprintf("not %s, in which %s cannot be read", list.Encoding(), cli.Counted(n, "row"))
	}
	line("encoding:", encoding)
	if list.Format() == source.FormatCSV {
		line("delimiter:", spelt(string(list.Delimiter())))
		line("line ends:", spelt(list.LineEnd()))
	}
	printMapping(w, list)
}

// unreadable counts the rows that are not text in the encoding of the list.
func unreadable(f *preflight.Forecast) (n int64) {
	if f == nil {
		return 0
	}
	for _, group := range f.Errors {
		if group.Code == "invalid_encoding" {
			n += group.Count
		}
	}
	return n
}

// printMapping says where each field comes from, and which columns are
// copied unchanged.
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
			fmt.Fprintf(w, "  %-20s column %d, %q\n", "(copied unchanged)", i+1, name)
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
