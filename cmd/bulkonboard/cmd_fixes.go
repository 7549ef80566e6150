package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/sink/fixes"
	"bulkonboard/source"
)

// fixing is what fixes was asked for.
type fixing struct {
	output    string
	overwrite bool
	rows      cli.RowFlags

	from     *runResults
	written  int64 // rows
	unparsed int64 // of these, that stand whole in their first column
}

func fixesCommand() *cobra.Command {
	var f fixing
	c := &cobra.Command{
		Use:   "fixes RESULTS",
		Short: "Write the rows that need attention to a sheet for correction",
		Long: `fixes writes the rows of a results file that are invalid, rejected or failed to a
CSV file that any editor or spreadsheet reads: a mark, the number of the row, what
is wrong, and the columns of the list (of JSONL, a column for each member). Correct
the values there, and send them:

  bulkonboard fixes results.csv -o fixes.xlsx
  bulkonboard retry results.csv --fixes fixes.xlsx

A file whose name ends with .xlsx is an Excel workbook: all cells are text, those at
fault are colored, and a second sheet has the counts. Any other is CSV.

Rows and columns may be in any order, and CSV may be saved in UTF-8 or UTF-16 with
any delimiter. fixMark and fixRow must stay as they are: they keep a row from
being taken for another. A row that is left out stays as it is, but for one that
failed, which is sent again. The file holds personal data.`,
		Example: `  bulkonboard fixes results.csv -o fixes.csv
  bulkonboard retry results.csv --fixes fixes.csv`,
		Args: namedResults,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if err := f.check(); err != nil {
				return err
			}
			if f.from, err = resultsOf(args[0]); err != nil {
				return err
			}
			return f.write(c.OutOrStdout())
		},
	}
	c.Flags().StringVarP(&f.output, "output", "o", "", "file to write: CSV, or an Excel workbook if its name ends with .xlsx; - for standard output (default: RESULTS.fixes.csv)")
	c.Flags().BoolVar(&f.overwrite, "overwrite", false, "replace the file if it exists")
	f.rows.Register(c, sink.Failed, sink.Rejected, sink.Invalid)
	_ = c.MarkFlagFilename("output", "csv", "xlsx")
	return c
}

func (f *fixing) check() error {
	var p cli.Problems
	f.rows.Check(&p)
	return p.Err()
}

// write makes the sheet and says where it is.
func (f *fixing) write(stdout io.Writer) error {
	if f.output == "-" {
		return f.sheet(stdout)
	}
	if f.output == "" {
		f.output = sheetPath(f.from.path)
	}
	if err := f.checkOutput(); err != nil {
		return err
	}
	// A command that is stopped leaves nothing behind: the sheet has personal data.
	scratch, err := cli.TemporaryScratch()
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Close() }() // it is in its place by then
	if err := f.sheet(scratch); err != nil {
		if path := new(fs.PathError); errors.As(err, &path) && path.Path == scratch.Name() {
			return state.ScratchError("write", err)
		}
		return err
	}
	if f.written == 0 {
		fmt.Fprintf(stdout, "fixes:   no row to correct%s; no file was written\n", f.among())
		return nil
	}
	if err := cli.Place(fileSystem, f.output, f.overwrite, disk.Copy(io.NewSectionReader(scratch, 0, math.MaxInt64))); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "fixes:   %s, with %s\n", f.output, cli.Counted(f.written, "row"))
	if f.unparsed > 0 {
		cli.PrintLine(stdout, "notice:  ", cli.Counted(f.unparsed, "row")+" with all values in the first column, as they could not be read: split them over the columns")
	}
	cli.PrintCommand(stdout, "next:", "correct it, then", f.giveBack())
	return nil
}

// sheetPath is where the sheet of results is written unless something else is
// said.
func sheetPath(results string) string { return results + ".fixes.csv" }

// checkOutput refuses to replace another file, and the results in any case.
func (f *fixing) checkOutput() error {
	if err := keepsResults(f.from.path, f.output); err != nil {
		return err
	}
	info, err := os.Lstat(f.output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return cli.Problems{"--output: " + err.Error()}
	case !info.Mode().IsRegular():
		return cli.Problems{fmt.Sprintf("--output: %s is not an ordinary file; name another file", f.output)}
	case !f.overwrite:
		return cli.Problems{f.output + " exists, perhaps with somebody's corrections; name another file with --output, or replace it with --overwrite"}
	}
	return nil
}

// sheet writes the rows.
func (f *fixing) sheet(w io.Writer) error {
	table, err := f.from.table()
	if err != nil {
		return err
	}
	list, err := f.from.open()
	if err != nil {
		return err
	}
	defer list.close()
	out, err := f.writer(w, table, list.List)
	if err != nil {
		return err
	}
	selected := f.rows.Selection()
	for rec, err := range list.Records() {
		if err != nil {
			return err
		}
		if res, _ := resultIn(table, rec); !selected.Selects(&res) {
			continue
		}
		if err := out.Write(rec); err != nil {
			return err
		}
		if isUnparsed(table.Values(rec), list.Delimiter()) {
			f.unparsed++
		}
	}
	f.written = out.Rows
	return out.Close()
}

// among says that only some rows were looked for.
func (f *fixing) among() string {
	if len(f.rows.Only)+len(f.rows.ErrorCodes) == 0 {
		return ""
	}
	return " among those of --only and --error-code"
}

// isUnparsed reports whether a row of CSV stands whole in its first column, since
// it could not be split.
func isUnparsed(values []string, delimiter rune) bool {
	if len(values) < 2 || delimiter == 0 || !strings.ContainsRune(values[0], delimiter) {
		return false
	}
	return !slices.ContainsFunc(values[1:], func(v string) bool { return v != "" })
}

// writer begins the sheet: a workbook where the file is named so.
func (f *fixing) writer(w io.Writer, table fixes.Table, list *source.List) (*fixes.Writer, error) {
	if strings.EqualFold(filepath.Ext(f.output), ".xlsx") {
		return fixes.NewWorkbook(w, f.from.sheet(), table, list, f.giveBack())
	}
	return fixes.NewWriter(w, f.from.sheet(), table, list)
}

// giveBack is the command that sends the corrections.
func (f *fixing) giveBack() string {
	return command("retry", f.from.path) + setAgain(f.from.summary) + " --fixes " + cli.Quoted(plainName(f.output))
}

// sheet is what binds a sheet of corrections to the results: the run that wrote
// their rows, also after retries, which leave each row in its place.
func (r *runResults) sheet() fixes.Results {
	of := fixes.Results{Run: r.summary.Run, LastRun: r.summary.Run, SHA256: r.summary.Output.SHA256}
	if first := r.summary.Command.FirstRun; first != "" {
		of.Run = first
	}
	return of
}

// table shows the results as a sheet does.
func (r *runResults) table() (fixes.Table, error) {
	list, err := r.open()
	if err != nil {
		return nil, err
	}
	defer list.close()
	if list.Format() == source.FormatJSONL {
		return fixes.NewJSONL(list.List, list.Records())
	}
	table, err := fixes.NewCSV(list.List)
	if err != nil {
		return nil, notResults(r.path, err)
	}
	return table, nil
}
