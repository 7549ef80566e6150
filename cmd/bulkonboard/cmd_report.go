package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bulkonboard/batch/disk"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/sink"
	"bulkonboard/sink/report"
)

// reporting is what report was asked for.
type reporting struct {
	results, output     string
	overwrite, withRows bool
}

func reportCommand() *cobra.Command {
	var r reporting
	c := &cobra.Command{
		Use:   "report RESULTS",
		Short: "Create an HTML report of a run",
		Long: `report creates one HTML file from the summary of a run, complete or stopped: the
verdict and what to do next, errors with their meaning and the command for them,
a comparison with the previous run, throughput with pauses and outages, response
times, files and settings. The file needs no network and runs no script. It names
no customer, unless --with-rows asks for the rows that need attention.`,
		Example: `  bulkonboard report results.csv -o report.html`,
		Args:    namedResults,
		RunE: func(c *cobra.Command, args []string) error {
			r.results = args[0]
			if r.output == "" {
				r.output = r.results + ".report.html"
			}
			return r.make(c.OutOrStdout())
		},
	}
	c.Flags().StringVarP(&r.output, "output", "o", "", "file to write; - for standard output (default: RESULTS.report.html)")
	c.Flags().BoolVar(&r.overwrite, "overwrite", false, "replace the file if it exists; an earlier report is replaced without this")
	c.Flags().BoolVar(&r.withRows, "with-rows", false, "list the rows that need attention, with their customers")
	_ = c.MarkFlagFilename("output", "html")
	return c
}

// make makes the page and says where it is.
func (r *reporting) make(stdout io.Writer) error {
	s, err := r.summary()
	if err != nil {
		return err
	}
	page := report.Page{
		Summary: s, Zone: time.Local,
		FixesCommand: lastingCommand("fixes", r.results), RetryCommand: lastingCommand("retry", r.results) + again(s, nil),
		StatusCommand: lastingCommand("status", r.results),
		GroupCommand: func(status sink.Status, code string) string {
			return groupCommand(lastingCommand, r.results, status, code, again(s, []string{code}))
		},
	}
	if r.withRows {
		if page.Rows, err = rowsThatNeedWork(s, r.results); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := page.Write(&b); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	if r.output == "-" {
		_, err := b.WriteTo(stdout)
		return err
	}
	replace, err := r.replaces()
	if err != nil {
		return err
	}
	if err := cli.Place(fileSystem, r.output, replace, disk.Copy(&b)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "report: %s\n", r.output)
	return nil
}

// summary reads the summary of the last run that has one: of one that stopped,
// or of the results, which must then be as that run left them. Results that
// are gone have a report all the same.
func (r *reporting) summary() (*sink.Summary, error) {
	if s, err := stoppedSummaryOf(r.results); s != nil || err != nil {
		return s, err
	}
	s, err := completeSummaryOf(r.results)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.results); errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	_, err = resultsOf(r.results)
	return s, err
}

// replaces reports a file in the place of the report that gives way to it: an
// earlier report, in which there is nothing of a person's own, or any file with
// --overwrite. It refuses to replace another one, and the results in any case.
func (r *reporting) replaces() (there bool, err error) {
	if err := keepsResults(r.results, r.output); err != nil {
		return false, err
	}
	switch info, err := os.Stat(r.output); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, cli.Problems{cli.CannotRead("output", r.output, err)}
	case info.IsDir():
		return false, cli.Problems{cli.CannotRead("output", r.output, syscall.EISDIR)}
	case !info.Mode().IsRegular():
		return false, cli.Problems{fmt.Sprintf("--output: %s is not an ordinary file; name another file", cli.OneLine(r.output))}
	}
	if r.overwrite {
		return true, nil
	}
	file, err := os.Open(r.output)
	if err != nil {
		return false, cli.Problems{cli.CannotRead("output", r.output, err)}
	}
	defer func() { _ = file.Close() }() // it was only read
	begins := make([]byte, len(report.Marker))
	if _, err := io.ReadFull(file, begins); err != nil || string(begins) != report.Marker {
		return false, cli.Problems{fmt.Sprintf("%s exists and is not a report; name another file with --output, or replace it with --overwrite", cli.OneLine(r.output))}
	}
	return true, nil
}

// keepsResults refuses a file to write that is the results that are read, or their
// summary, and one in a folder that cannot be written to.
func keepsResults(results, output string) error {
	for _, name := range []string{results, sink.SummaryPath(results)} {
		if sameFile(output, name) {
			return cli.Problems{"--output is " + name + "; name another file"}
		}
	}
	var p cli.Problems
	cli.CheckFolder(&p, "output", output)
	return p.Err()
}
