package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"bulkonboard/batch"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

// validation is the flags of validate.
type validation struct {
	cli.ListFlags
	formID string
}

func validateCommand() *cobra.Command {
	var v validation
	c := &cobra.Command{
		Use:   "validate --input LIST",
		Short: "Read a list as run would, and send nothing",
		Long: `validate reads a list to its end and tells how it is read, what a run of it would
do, and which rows are invalid and why. It sends nothing and needs no service.
It exits with 0 when every row is valid, with 1 when some are not, and with 65
when the list cannot be read as a customer list.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				_ = c.Flags().Set("input", args[0]) // a text takes any
			}
			if _, err := cli.Settle(c, v.checkList); err != nil {
				return err
			}
			return v.run(c.Context(), c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().SortFlags = false
	v.Register(c.Flags())
	c.Flags().StringVar(&v.formID, "form-id", "", "form id, for rows that have none of their own")
	cli.TakesConfig(c, jobFamily)
	_ = c.MarkFlagFilename("input")
	return c
}

func (v *validation) checkList() error {
	var p cli.Problems
	v.Check(&p)
	return p.Err()
}

// run reads the list and says what it found.
func (v *validation) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	list, share, done, err := v.begin(stdin)
	if err != nil {
		return err
	}
	defer done()
	if _, err := batch.EncoderFor(list, false); err != nil {
		return err
	}
	printReading(stdout, list)
	scratch, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // nobody wants it any more
	p := batch.Preflight{List: list, FormID: v.formID, Scratch: scratch, Share: share}
	f, err := shown(ctx, &p, stderr)
	if err != nil {
		return err
	}
	printForecast(stdout, f, v.Name(), expected{})
	if f.Invalid > 0 {
		return &cli.BadRowsError{Rows: f.Invalid}
	}
	return nil
}

// shown reads a list ahead, for a command that does no more, and shows how far
// it is.
func shown(ctx context.Context, p *batch.Preflight, stderr io.Writer) (*batch.Forecast, error) {
	stderr = terminalOr(stderr)
	p.Monitor = new(batch.Monitor)
	stop := showProgress(p.Monitor, stderr, slog.New(slog.NewTextHandler(stderr, nil)))
	defer stop()
	return p.Run(ctx)
}

// begin opens the list: a file, or standard input as it comes.
func (v *validation) begin(stdin io.Reader) (_ *source.List, share func() float64, done func(), err error) {
	if v.FromStandardInput() {
		list, err := v.Read(stdin)
		return list, nil, func() {}, err
	}
	list, err := v.OpenInput()
	if err != nil {
		return nil, nil, nil, err
	}
	return list.List, list.Done, list.Close, nil
}

// printReading says how a list is read.
func printReading(w io.Writer, list *source.List) {
	line := func(what, text string) { fmt.Fprintf(w, "%-11s %s\n", what, text) }
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
	read := map[int]bool{}
	for _, m := range list.MappingTable() {
		read[m.Number] = true
		switch {
		case m.Column == "":
			fmt.Fprintf(w, "  %-20s is %q in every row\n", m.Field, m.Constant)
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
